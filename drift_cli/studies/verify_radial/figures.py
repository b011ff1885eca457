"""Figures of `drift verify-radial`: residuals and directions over the dimension, low temperature, noised queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, log_ticks, panels, save, style

Columns = Mapping[str, Sequence[Any] | np.ndarray]

_BLACK = "#000000"
_COLOURS, _MARKERS = (DATA, MODEL, _BLACK), ("o", "s", "^")
_FOUR = (*_COLOURS, FLOOR)
_FACTORS = {"fixed": "", "sqrt": " √D", "linear": " D"}  # of the temperature


def residuals(columns: Columns, temperature: float, folder: Path) -> Path:
    """Relative residual over the dimension at three temperatures: lines in population, markers from samples."""
    titles = {
        "one_sided": "one mean shift",
        "mean": "drift, mean mismatch",
        "scale": "drift, scale mismatch",
        "both": "drift, mean and scale mismatch",
    }
    sampled = {"one_sided": "one_sided", "both": "difference"}
    with style():
        figure, axes = panels(1, 4, 2.7, 3.0)
        for axis, (name, title) in zip(axes, titles.items(), strict=True):
            _temperatures(axis, columns, f"residual_{name}", temperature)
            if name in sampled:
                _samples(axis, columns, sampled[name])
            if name != "scale":  # which falls at one temperature only
                _guide(axis, columns)
            axis.set_title(title)
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xlabel("dimension D")
            axis.set_ylabel("|Cov| / |M|" if name == "one_sided" else "|Cov difference| / |V|")
        handles, labels = _with_markers(axes[0])
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        return save(figure, folder, "residual_against_dimension")


def directions(columns: Columns, temperature: float, samples: int, folder: Path) -> Path:
    """Cosine of drift and score difference under two mismatches, and the effective sample size."""
    with style():
        figure, axes = panels(1, 3, 3.4, 3.2)
        for axis, name, title in zip(
            axes, ("mean", "both"), ("mean mismatch", "mean and scale mismatch"), strict=False
        ):
            _temperatures(axis, columns, f"cosine_{name}", temperature)
            for t, of in enumerate(_parts(columns)):
                band = (of[f"cosine_{name}_low"], of[f"cosine_{name}_high"])
                label = "10–90 % of queries drawn from q" if t == 0 else None
                axis.fill_between(of["dimension"], *band, color=_COLOURS[t], alpha=0.1, linewidth=0, label=label)
                for edge in band:
                    axis.plot(of["dimension"], edge, color=_COLOURS[t], linestyle=LINE_STYLES[t], linewidth=0.5)
            axis.set_title(title)
            axis.set_ylabel("cos(drift, score difference)")
        _samples(axes[1], columns, "cosine")
        corrected = _parts(columns)[0]
        axes[1].plot(
            corrected["dimension"],
            corrected["preconditioned_cosine_both"],
            color=FLOOR,
            linestyle=(0, (1, 1)),
            linewidth=2.2,
            label="each M divided by its E[1/w]",
        )
        _temperatures(axes[2], columns, "effective_predicted", temperature)
        _samples(axes[2], columns, "effective")
        axes[0].set_title("mean mismatch (a scale of its own)")
        axes[1].set_ylim(min(0.0, axes[1].get_ylim()[0]), 1.04)
        axes[2].set_title("sampling")
        axes[2].set_ylabel(f"effective sample size, of {samples:,}")
        axes[2].set_yscale("log")
        for axis in axes:
            axis.set_xscale("log", base=2)
            axis.set_xlabel("dimension D")
        log_ticks(axes[2].yaxis)
        handles, labels = _with_markers(axes[1])
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return save(figure, folder, "direction_against_dimension")


def low_temperature(columns: Columns, folder: Path) -> Path:
    """The residual against its limit 1/(D + 1), and the misalignment, as the temperature falls."""
    with style():
        figure, axes = panels(1, 2, 3.6, 3.0)
        for k, of in enumerate(_parts(columns, "dimension")):
            look: dict[str, Any] = {"color": _FOUR[k % 4], "linestyle": LINE_STYLES[k % 4], "marker": "osD^"[k % 4]}
            dimension, temperatures = int(of["dimension"][0]), of["temperature"]
            axes[0].plot(temperatures, of["residual"], label=f"D = {dimension}", markersize=3.5, **look)
            axes[0].axhline(1 / (dimension + 1), color=FLOOR, linewidth=0.7)
            seen = of["misalignment"] > 1e-14  # below, it is float64's rounding
            axes[1].plot(temperatures[seen], of["misalignment"][seen], markersize=3.5, **look)
        axes[0].set_ylabel("relative residual |Cov| / |M|")
        axes[0].set_title("thin lines: 1 / (D + 1)")
        axes[1].set_ylabel("1 − cos(drift, score difference)")
        axes[1].set_title("mean and scale mismatch")
        for axis in axes:
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xlabel("temperature τ (model's standard deviation)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        return save(figure, folder, "low_temperature")


def noised_query(columns: Columns, bandwidth: float, folder: Path) -> Path:
    """On a line: the drift at the point itself, at noised points, and DMD's direction."""
    with style():
        figure, (axis,) = panels(1, 1, 4.4, 3.0)
        axis.axhline(0, color=FLOOR, linewidth=0.7)
        axis.plot(columns["x"], columns["plain"], color=MODEL, linestyle="--", label="drift at x, V(x)/σ²")
        axis.plot(columns["x"], columns["noised"], color=DATA, label="at noised points, E V(x + σξ)/σ²")
        axis.plot(
            columns["x"][::8], columns["dmd"][::8], "o", color=_BLACK, markersize=3, label="DMD, from log densities"
        )
        axis.set_xlabel(f"x (σ = {bandwidth:g})")
        axis.set_ylabel("velocity (1 / unit of x)")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0)
        return save(figure, folder, "noised_query")


def _parts(columns: Columns, by: str = "temperature") -> list[dict[str, np.ndarray]]:
    """The columns, apart for each value of `by`, in the order in which the values come."""
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    return [
        {name: a[arrays[by] == value] for name, a in arrays.items()} for value in dict.fromkeys(arrays[by].tolist())
    ]


def _temperatures(axis: Axes, columns: Columns, name: str, temperature: float) -> None:
    for t, of in enumerate(_parts(columns)):
        label = f"τ = {temperature:g}{_FACTORS[str(of['temperature'][0])]}"
        axis.plot(of["dimension"], of[name], color=_COLOURS[t], linestyle=LINE_STYLES[t], label=label)


def _samples(axis: Axes, columns: Columns, name: str) -> None:
    """Means over the repeats with their standard deviation; moved a little apart, so that none hides another."""
    for t, of in enumerate(_parts(columns)):
        axis.errorbar(
            of["dimension"] * 1.09 ** (t - 1),
            of[f"sampled_{name}"],
            of[f"sampled_{name}_sd"],
            color=_COLOURS[t],
            marker=_MARKERS[t],
            markersize=3.5,
            markerfacecolor="white",
            linestyle="none",
            elinewidth=0.9,
            label="markers: from samples, mean ± sd" if t == 0 else None,
        )


def _with_markers(axis: Axes) -> tuple[list[Any], list[str]]:
    """The legend of a panel of lines and samples: each temperature's line with the marker of its samples on it."""
    handles, labels = axis.get_legend_handles_labels()
    dots = [
        Line2D([], [], color=colour, marker=marker, markersize=3.5, markerfacecolor="white", linestyle="none")
        for colour, marker in zip(_COLOURS, _MARKERS, strict=True)
    ]
    shown: list[Any] = list(handles)
    temperatures = [k for k, label in enumerate(labels) if label.startswith("τ")]
    for k, dot in zip(temperatures, dots, strict=True):
        shown[k] = (handles[k], dot)
    return shown, labels


def _guide(axis: Axes, columns: Columns) -> None:
    dimensions = np.asarray(_parts(columns)[0]["dimension"])
    axis.plot(dimensions, 0.1 / dimensions, color=FLOOR, linewidth=0.8, label="slope −1 (0.1/D)")
