"""Figures of `drift high-dimension`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, panels, save, style
from drift_cli.studies.high_dimension.comparison import Outcome, Particles
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, places
from drift_cli.studies.numbers import Estimate, Interval

_COLOURS = (MODEL, DATA, "#E69F00", "#56B4E9", "#009E73", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "x")


def against_dimension(config: HighDimensionConfig, found: Particles, folder: Path) -> Path:
    """TV at the chosen bandwidth, and how many bandwidths are good, by dimension; 95 % intervals over seeds."""
    rows = _rows(config)
    with style():
        figure, axes = panels(2, len(rows), 3.9, 2.7)
        for column, (title, own) in enumerate(rows.items()):
            above, below = axes[column], axes[len(rows) + column]
            for k, method in enumerate(config.methods):
                outcomes = [found.particles[f"{place.name}.{method}"] for place in own]
                _line(above, own, [each.tv for each in outcomes], k, len(config.methods), METHODS[method].title)
                if method in config.whole:
                    _line(below, own, [_good(each) for each in outcomes], k, len(config.methods))
            floor = [found.floor[f"floor.{place.name}"].tv for place in own]
            above.plot([p.dimension for p in own], floor, color=FLOOR, linewidth=1, label="the target's own points")
            above.set(yscale="log", ylabel="TV of the mode shares", title=title)
            below.set(ylim=(-0.2, len(config.factors) + 0.2), xlabel="dimension",
                      ylabel=f"bandwidths of {len(config.factors)} with TV < {config.good:g}")  # fmt: skip
        axes[0].legend(fontsize=7, ncols=2)
        return save(figure, folder, "against_dimension")


def _rows(config: HighDimensionConfig) -> dict[str, list[Place]]:
    every = places(config)
    drawn = {
        "means on a circle (D = 2), on the sphere": [p for p in every if p.placement != "subspace"],
        "means in a 4-dimensional subspace": [p for p in every if p.placement == "subspace"],
    }
    return {title: own for title, own in drawn.items() if own}


def _good(outcome: Outcome) -> Estimate:
    assert outcome.good is not None
    return outcome.good


def _line(axis: Axes, own: list[Place], values: list[Estimate], k: int, of: int, label: str = "") -> None:
    """One method, its points a little to the side of the others'."""
    shift = 2 ** (0.16 * (k - (of - 1) / 2))
    x, y = shift * np.array([place.dimension for place in own]), np.array([each.value for each in values])
    ends = [(v.low, v.high) if isinstance(v, Interval) else (v.value, v.value) for v in values]
    low, high = np.array(ends).T
    axis.errorbar(x, y, [y - low, high - y], color=_COLOURS[k], marker=_MARKERS[k], markersize=4, linewidth=1.1,
                  linestyle=LINE_STYLES[k % 4], elinewidth=0.8, label=label)  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_xticks([place.dimension for place in own], [str(place.dimension) for place in own])
    axis.xaxis.set_minor_locator(NullLocator())
