"""Figures of `drift compare-operators`: where every operator leaves the samples of every start; and Figure 5."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from drift_cli.figures.style import DATA, FLOOR, LINE_STYLES, MODEL, panels, save, style

_COLOURS = (DATA, MODEL, "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "x", "D", "v", "P")
_ACROSS = 8  # operators side by side
Panel = tuple[np.ndarray | None, str]


def gallery(
    shown: Mapping[tuple[str, str], Panel],
    operators: list[str],
    starts: list[str],
    target: np.ndarray,
    form: str,
    folder: Path,
) -> Path:
    """Operators across, in blocks of eight, starts down: the samples at the end over the target, the numbers above."""
    across = min(_ACROSS, len(operators))
    blocks = [operators[k : k + across] for k in range(0, len(operators), across)]
    with style():
        figure, axes = panels(len(blocks) * len(starts), across, 1.5, 1.62)
        for axis in axes:
            axis.set_axis_off()
        for k, (block, start, column) in enumerate(itertools.product(blocks, starts, range(across))):
            if column >= len(block):
                continue
            axis, (points, told) = axes[k], shown[block[column], start]
            axis.set_axis_on()
            _scatter(axis, target, points)
            axis.set_title(told, fontsize=6.5, pad=2)
            if start == starts[0]:
                axis.annotate(block[column].replace("_", " "), (0.5, 1.2), xycoords="axes fraction", ha="center",
                              fontsize=8, weight="bold")  # fmt: skip
            if column == 0:
                axis.set_ylabel(start.replace("_", " "), fontsize=8)
        figure.suptitle(f"{form}: samples at the end (orange crosses) over the target (blue dots)", fontsize=9)
        return save(figure, folder, f"gallery_{form}")


def _scatter(axis: Axes, target: np.ndarray, points: np.ndarray | None) -> None:
    axis.scatter(target[:, 0], target[:, 1], s=2, color=DATA, alpha=0.35, linewidths=0, rasterized=True)
    if points is not None:
        axis.scatter(
            points[:, 0], points[:, 1], s=5, color=MODEL, marker="x", alpha=0.6, linewidths=0.5, rasterized=True
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
            axis.text(0.98, 0.02, f"{100 * beyond:.0f} % outside", transform=axis.transAxes, ha="right", fontsize=6)


def training(runs: Mapping[str, list[dict[str, Any]]], target: np.ndarray, folder: Path) -> Path:
    """SW-2 against steps and against the seconds of one core, the range over seeds shaded; then samples."""
    with style():
        figure, axes = panels(2, max(2, len(runs)), 2.5, 2.6)
        for axis in axes[2 : max(2, len(runs))]:
            axis.set_axis_off()
        for (label, own), colour, marker, k in zip(
            runs.items(), _COLOURS, _MARKERS, range(len(_COLOURS)), strict=False
        ):
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
        for axis, name in zip(axes, ("training step", "seconds of one core, training alone"), strict=False):
            axis.axhline(floor, color=FLOOR, linewidth=0.9)
            axis.axhline(2 * floor, color=FLOOR, linewidth=0.9, linestyle=":")
            axis.set(xscale="log", yscale="log", xlabel=name, ylabel="SW-2 to the target (length)")
        handles, labels = axes[0].get_legend_handles_labels()
        told = "mean over seeds, shaded from\nleast to largest; grey: 1, 2 floors"
        if len(runs) > 2:
            axes[2].legend(handles, labels, loc="center left", title=told, title_fontsize=8, alignment="left")
        else:
            axes[0].legend(handles, labels, loc="lower left", title=told, title_fontsize=8, alignment="left")
        for axis, (label, own) in zip(axes[max(2, len(runs)) :], runs.items(), strict=False):
            _scatter(axis, target, np.array(own[0]["samples"]) if "samples" in own[0] else None)
            axis.set_title(label)
        return save(figure, folder, "training")
