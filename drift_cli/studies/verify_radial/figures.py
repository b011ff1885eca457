"""Residuals and directions over the dimension, low temperature, noised queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from drift_cli.figures.style import BLACK, DATA, FLOOR, LINE_STYLES, MODEL, log_ticks, panels, save, style
from drift_cli.studies.verify_radial.dimensions import Sampled
from drift_cli.studies.verify_radial.low_temperature import LowTemperature
from drift_cli.studies.verify_radial.noised_query import Line

_COLOURS, _MARKERS = (DATA, MODEL, BLACK), ("o", "s", "^")
_FOUR = (*_COLOURS, FLOOR)
_FACTORS = ("", " √D", " D")  # of the temperatures


def residuals(found: Sampled, temperature: float, folder: Path) -> Path:
    """Relative residual over the dimension at three temperatures: lines in population, markers from samples."""
    exact, sampled = found.sweep, found.monte_carlo
    shown = {
        "one mean shift": (exact.one_sided, sampled.one_sided),
        "drift, mean mismatch": (exact.drifts["mean"].residual, None),
        "drift, scale mismatch": (exact.drifts["scale"].residual, None),
        "drift, mean and scale mismatch": (exact.drifts["both"].residual, sampled.difference),
    }
    with style():
        figure, axes = panels(1, 4, 2.7, 3.0)
        for axis, (title, (residual, estimates)) in zip(axes, shown.items(), strict=True):
            _temperatures(axis, exact.dimensions, residual, temperature)
            if estimates is not None:
                _samples(axis, exact.dimensions, estimates)
            if axis is not axes[2]:  # which falls at one temperature only
                guide = 0.1 / exact.dimensions
                axis.plot(exact.dimensions, guide, color=FLOOR, linewidth=0.8, label="slope −1 (0.1/D)")
            axis.set_title(title)
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            axis.set_xlabel("dimension D")
            axis.set_ylabel("|Cov| / |M|" if axis is axes[0] else "|Cov difference| / |V|")
        handles, labels = _with_markers(axes[0])
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        return save(figure, folder, "residual_against_dimension")


def directions(found: Sampled, temperature: float, samples: int, folder: Path) -> Path:
    """Cosine of drift and score difference under two mismatches, and the effective sample size."""
    exact, sampled = found.sweep, found.monte_carlo
    dimensions, both = exact.dimensions, exact.drifts["both"]
    with style():
        figure, axes = panels(1, 3, 3.4, 3.2)
        for axis, drift in zip(axes, (exact.drifts["mean"], both), strict=False):
            _temperatures(axis, dimensions, drift.cosine, temperature)
            for t, band in enumerate(zip(drift.low, drift.high, strict=True)):
                label = "10–90 % of queries drawn from q" if t == 0 else None
                axis.fill_between(dimensions, *band, color=_COLOURS[t], alpha=0.1, linewidth=0, label=label)
                for edge in band:
                    axis.plot(dimensions, edge, color=_COLOURS[t], linestyle=LINE_STYLES[t], linewidth=0.5)
            axis.set_ylabel("cos(drift, score difference)")
        _samples(axes[1], dimensions, sampled.cosine)
        dotted: dict[str, Any] = {"linestyle": (0, (1, 1)), "linewidth": 2.2, "label": "each M divided by its E[1/w]"}
        axes[1].plot(dimensions, both.preconditioned[0], color=FLOOR, **dotted)
        _temperatures(axes[2], dimensions, exact.effective, temperature)
        _samples(axes[2], dimensions, sampled.effective)
        axes[0].set_title("mean mismatch (separate scale)")
        axes[1].set_title("mean and scale mismatch")
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


def low_temperature(found: LowTemperature, folder: Path) -> Path:
    """The residual against its limit 1/(D + 1), and the misalignment, as the temperature falls."""
    with style():
        figure, axes = panels(1, 2, 3.6, 3.0)
        for k, dimension in enumerate(found.dimensions):
            look: dict[str, Any] = {"color": _FOUR[k % 4], "linestyle": LINE_STYLES[k % 4], "marker": "osD^"[k % 4]}
            misalignment = found.misalignment[k]
            axes[0].plot(found.temperatures, found.residual[k], label=f"D = {dimension}", markersize=3.5, **look)
            axes[0].axhline(1 / (dimension + 1), color=FLOOR, linewidth=0.7)
            seen = misalignment > 1e-14  # below, it is float64's rounding
            axes[1].plot(found.temperatures[seen], misalignment[seen], markersize=3.5, **look)
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


def noised_query(line: Line, bandwidth: float, folder: Path) -> Path:
    """On a line: the drift at the point itself, at noised points, and DMD's direction."""
    with style():
        figure, (axis,) = panels(1, 1, 4.4, 3.0)
        axis.axhline(0, color=FLOOR, linewidth=0.7)
        axis.plot(line.x, line.plain, color=MODEL, linestyle="--", label="drift at x, V(x)/σ²")
        axis.plot(line.x, line.noised, color=DATA, label="at noised points, E V(x + σξ)/σ²")
        axis.plot(line.x[::8], line.dmd[::8], "o", color=BLACK, markersize=3, label="DMD, from log densities")
        axis.set_xlabel(f"x (σ = {bandwidth:g})")
        axis.set_ylabel("velocity (1 / unit of x)")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0)
        return save(figure, folder, "noised_query")


def _temperatures(axis: Axes, dimensions: np.ndarray, values: np.ndarray, temperature: float) -> None:
    for t, factor in enumerate(_FACTORS):
        label = f"τ = {temperature:g}{factor}"
        axis.plot(dimensions, values[t], color=_COLOURS[t], linestyle=LINE_STYLES[t], label=label)


def _samples(axis: Axes, dimensions: np.ndarray, estimates: np.ndarray) -> None:
    """Means over the repeats with their standard deviation; moved a little apart, so that none hides another."""
    for t, each in enumerate(estimates):
        axis.errorbar(
            dimensions * 1.09 ** (t - 1),
            each.mean(axis=1),
            each.std(axis=1, ddof=1),
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
