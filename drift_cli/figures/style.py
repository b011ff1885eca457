"""One look for all figures: a palette safe for colour-blind readers and ordered in grey, PNG and SVG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from drift_cli.files import whole

# Okabe & Ito, ordered so that neighbours differ in lightness as well as in hue.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, GOLD, BLACK = "#56B4E9", "#E69F00", "#000000"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, SKY, GOLD)
DATA = BLUE  # the target
MODEL = VERMILION  # what is generated
FLOOR = "#7F7F7F"
LINE_STYLES = ("-", "--", ":", "-.")

_KERNEL_NAMES = {  # as they are written, where that is not the catalogue's name
    "gaussian": "Gaussian",
    "laplace": "Laplace",
    "matern32": "Matérn 3/2",
    "matern52": "Matérn 5/2",
}

_SETTINGS: dict[Any, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "svg.hashsalt": "drift",  # the same figure gives the same file
    "svg.fonttype": "none",
}


def kernel_name(kernel: str) -> str:
    """What figures call a kernel of the catalogue."""
    return _KERNEL_NAMES.get(kernel, kernel.replace("_", " "))


@contextmanager
def style() -> Iterator[None]:
    """The project's look over matplotlib's own defaults, whatever a user's matplotlibrc says."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": mpl.rcParams["backend"], **_SETTINGS}):
        yield


def log_ticks(*axes: Axis) -> None:
    """Plain numbers on the logarithmic axes that span less than two decades, where labels a × 10ᵇ would collide.

    To be called when everything is drawn: the span decides.
    """
    for axis in axes:
        low, high = sorted(axis.get_view_interval())
        if axis.get_scale() != "log" or not 0 < high < 100 * low:
            continue
        few = high < 6 * low
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]) if few else LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of rows × columns panels of that size in inches, and its axes row by row."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write PNG and SVG; returns the path of the PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / f"{name}.png") as beside:
        figure.savefig(beside, format="png")
    figure.set_layout_engine(None)  # the SVG has the layout found for the PNG: to find it is half of the drawing
    with whole(folder / f"{name}.svg") as beside:
        figure.savefig(beside, format="svg", metadata={"Date": None})
    return folder / f"{name}.png"
