"""Figures of `drift compare-operators`: where every operator leaves the samples of every start; and Figure 5."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, log_ticks, panels, save, style

_COLOURS = (DATA, MODEL, "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "x", "D", "v", "P")
_ACROSS = 6  # panels of the gallery side by side
Panel = tuple[np.ndarray | None, str]


def gallery(
    shown: Mapping[tuple[str, str], Panel],
    operators: list[str],
    starts: list[str],
    target: np.ndarray,
    form: str,
    folder: Path,
) -> Path:
    """A row of panels to the operator, one to the start: the samples at the end over the target, the numbers above.

    Few starts leave room for several operators in a row.
    """
    abreast = min(len(operators), max(1, _ACROSS // len(starts)))
    rows, columns = -(-len(operators) // abreast), abreast * len(starts)
    title = f"{form}: samples at the end (orange crosses) over the target (blue dots)"
    lines = textwrap.wrap(title, int(14 * 1.95 * columns))
    with style():
        figure, axes = panels(rows, columns, 1.95, 2.0 + (0.2 + 0.15 * len(lines)) / rows)
        for axis in axes[len(operators) * len(starts) :]:
            axis.set_axis_off()
        for k, (axis, (operator, start)) in enumerate(zip(axes, itertools.product(operators, starts), strict=False)):
            points, told = shown[operator, start]
            _scatter(axis, target, points)
            axis.set_title(told, fontsize=8, pad=3)
            if k < columns:
                axis.annotate(f"start: {start.replace('_', ' ')}", (0.5, 1), xycoords="axes fraction", ha="center",
                              xytext=(0, 17), textcoords="offset points", fontsize=9, weight="bold")  # fmt: skip
            if start == starts[0]:
                axis.set_ylabel(textwrap.fill(operator.replace("_", " "), 14), fontsize=9, weight="bold")
        figure.suptitle("\n".join(lines), fontsize=9)
        return save(figure, folder, f"gallery_{form}")


def _scatter(axis: Axes, target: np.ndarray, points: np.ndarray | None) -> None:
    axis.scatter(target[:, 0], target[:, 1], s=5, color=DATA, alpha=0.6, linewidths=0, rasterized=True)
    if points is not None:
        axis.scatter(
            points[:, 0], points[:, 1], s=9, color=MODEL, marker="x", alpha=0.7, linewidths=0.6, rasterized=True
        )
    low, high = np.quantile(target, [0.001, 0.999], axis=0)
    margin = 0.25 * (high - low)
    axis.set(
        xlim=(low[0] - margin[0], high[0] + margin[0]),
        ylim=(low[1] - margin[1], high[1] + margin[1]),
        xticks=[],
        yticks=[],
    )
    axis.set_aspect("equal")
    if points is not None:
        beyond = np.mean((np.abs(points - (low + high) / 2) > (high - low) / 2 + margin).any(axis=1))
        if beyond > 0.005:
            axis.text(0.98, 0.02, f"{100 * beyond:.0f} % outside", transform=axis.transAxes, ha="right", fontsize=7)


def training(runs: Mapping[str, list[dict[str, Any]]], target: np.ndarray, folder: Path) -> Path:
    """SW-2 against steps and against the seconds of one core, the range over seeds shaded; then samples.

    `runs` by the operator's name.
    """
    across = 3 if len(runs) <= 3 else 4
    samples = slice(across, across + len(runs))
    with style():
        figure, axes = panels(1 - (-len(runs) // across), across, 2.7, 2.6)
        for axis in (*axes[2:across], *axes[samples.stop :]):
            axis.set_axis_off()
        for k, (label, own) in enumerate(runs.items()):
            colour, marker = _COLOURS[k % len(_COLOURS)], _MARKERS[k % len(_MARKERS)]
            finished = [r for r in own if r["diverged"] is None]
            if not finished:
                continue
            sw = np.array([r["sw"] for r in finished])
            for axis, name in zip(axes, ("steps", "seconds"), strict=False):
                x = np.mean([r[name] for r in finished], axis=0)[1:]
                axis.fill_between(x, sw.min(axis=0)[1:], sw.max(axis=0)[1:], color=colour, alpha=0.15, linewidth=0)
                axis.plot(x, np.exp(np.log(sw).mean(axis=0))[1:], color=colour, linestyle=LINE_STYLES[k % 4],
                          marker=marker, markersize=3, label=label)  # fmt: skip
        floor = float(np.mean([r["floor"] for own in runs.values() for r in own]))
        for axis, name in zip(axes, ("training step", "core seconds of training"), strict=False):
            axis.axhline(floor, color=FLOOR, linewidth=0.9)
            axis.axhline(2 * floor, color=FLOOR, linewidth=0.9, linestyle=":")
            axis.set(xscale="log", yscale="log", xlabel=name, ylabel="SW-2 to the target (length)")
            log_ticks(axis.xaxis, axis.yaxis)
        handles, labels = axes[0].get_legend_handles_labels()
        told = (
            "mean over seeds, shaded from",
            "least to largest; grey: 1, 2 floors",
            "below: samples at the end (crosses)",
            "over the target (dots)",
        )
        axes[2].legend(handles, labels, loc="center left", title="\n".join(told), title_fontsize=8, alignment="left",
                       ncols=1 if len(runs) <= 8 else 2, fontsize=9 if len(runs) <= 8 else 7)  # fmt: skip
        for axis, (label, own) in zip(axes[samples], runs.items(), strict=True):
            _scatter(axis, target, np.array(own[0]["samples"]) if "samples" in own[0] else None)
            axis.set_title(label if "samples" in own[0] else f"{label}: diverged")
        return save(figure, folder, "training")
