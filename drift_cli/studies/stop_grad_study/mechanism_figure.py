"""Figure of the mechanism: what each gradient path does to particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from drift_cli.figures.style import BLACK, DATA, GREEN, MODEL, panels, save, style
from drift_cli.studies.stop_grad_study.mechanism import Mechanism
from drift_cli.studies.stop_grad_study.minibatch import SIZES, Pair
from drift_cli.theory.drift_collapse import Cloud, Growth

# colour, line, marker and name of each gradient path
LOOKS: dict[str, tuple[str, str, str, str]] = {
    "none": (DATA, "-", "o", "none (stop-gradient)"),
    "query": (BLACK, ":", "^", "query"),
    "samples": (GREEN, "--", "s", "samples"),
    "both": (MODEL, "-.", "x", "both"),
}
_DATASET_MARKERS = ("o", "s", "^", "D", "v", "P")


def mechanism(found: Mechanism, folder: Path) -> Path:
    """Rates near the target, growth at the collapsed state, a cloud let go there, and the loss on minibatches.

    The middle two for the first target and kernel, the last for the first kernel and every target.
    """
    (target, kernel), growth = next(iter(found.collapse.growths.items()))
    courses, setting = found.collapse.courses[target, kernel], f"{target}, {kernel}"
    losses = {name: found.losses.pairs[f"{name}.{kernel}"] for name, other in found.collapse.growths if other == kernel}
    rates, sizes = found.rates.rows, np.array(SIZES)
    with style():
        figure, axes = panels(2, 2, 4.3, 3.3)
        _rates(axes[0], rates)
        _growth(axes[1], growth, setting)
        _cloud(axes[2], courses, setting)
        _losses(axes[3], losses, sizes, kernel)
        handles = []
        for colour, line, marker, name in LOOKS.values():
            handles += axes[0].plot([], [], color=colour, linestyle=line, marker=marker, markersize=5, label=name)
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), title="gradient paths")
        return save(figure, folder, "mechanism")


def _rates(axis: Axes, rates: list[tuple[str, int, str, float, float, float, float]]) -> None:
    grid = np.linspace(0, 1.08 * max(row[3] for row in rates), 100)
    for power, label in ((1, "λ"), (2, "λ²")):
        axis.plot(grid, grid**power, color="#B0B0B0", linewidth=1.0, zorder=1)
        axis.annotate(label, (grid[-1], grid[-1] ** power), xytext=(3, 0), textcoords="offset points", va="center")
    for paths, (colour, _, marker, _) in LOOKS.items():
        same = [row for row in rates if row[2] == paths]
        hollow = {"markerfacecolor": "none", "markersize": 8} if paths == "both" else {"markersize": 4.5}
        axis.plot([row[3] for row in same], [row[6] for row in same], color=colour, linestyle="", marker=marker,
                  **hollow)  # fmt: skip
    axis.set(xlabel="predicted rate λ of the drift (1 / time)", ylabel="measured rate of the mode (1 / time)",
             title="near the target: modes 1–12, two kernels, on the circle")  # fmt: skip


def _growth(axis: Axes, growth: dict[str, tuple[Growth, Growth]], setting: str) -> None:
    ends = []
    for at, paths in enumerate(LOOKS):
        colour, _, marker, _ = LOOKS[paths]
        found, expected = growth[paths]
        for side, what in ((-0.18, "spread"), (0.18, "centre")):
            predicted, measured = getattr(expected, what), getattr(found, what)
            axis.hlines(predicted, at + side - 0.13, at + side + 0.13, color=BLACK, linewidth=1.0)
            axis.plot(np.full(len(measured), at + side), measured, color=colour, marker=marker, linestyle="",
                      markersize=5)  # fmt: skip
            ends += [predicted.min(), predicted.max()]
            axis.text(at + side, 0.01, what, transform=axis.get_xaxis_transform(), ha="center", fontsize=6.5,
                      color="#606060")  # fmt: skip
    axis.axhline(0, color="#808080", linewidth=0.8)
    room = 0.16 * (max(ends) - min(ends))
    axis.set_ylim(min(ends) - room, max(ends) + room)
    axis.set_xticks(range(len(LOOKS)), [f"{paths}\n{growth[paths][0].verdict}" for paths in LOOKS])
    axis.tick_params(axis="x", length=0)
    axis.grid(visible=False, axis="x")
    axis.set(ylabel="growth rate (1 / time)", title=f"collapsed at a mode: {setting} (bars: predicted)")


def _cloud(axis: Axes, courses: dict[str, Cloud], setting: str) -> None:
    for paths, (colour, line, marker, _) in LOOKS.items():
        course = courses[paths]
        axis.plot(course.times, course.std, color=colour, linestyle=line, marker=marker, markersize=4, markevery=10)
    axis.set(yscale="log", xlabel="time of the flow", ylabel="std of the particles (length)",
             title=f"a small cloud at that mode: {setting}")  # fmt: skip
    axis.set_ylim(bottom=1e-3 * courses["none"].std[0])  # below, the error of the integration


def _losses(axis: Axes, losses: dict[str, Pair], sizes: np.ndarray, kernel: str) -> None:
    for marker, (dataset, pair) in zip(_DATASET_MARKERS, losses.items(), strict=False):
        for each, colour, line, what in ((pair.truth, DATA, "-", "q = p"), (pair.collapsed, MODEL, "--", "collapsed")):
            axis.plot(sizes, each.constant / sizes, color=colour, linestyle=line, linewidth=1.0)
            axis.errorbar(sizes, each.mean, yerr=1.96 * each.error, color=colour, linestyle="", marker=marker,
                          markersize=4.5, markerfacecolor="none" if what == "collapsed" else colour, capsize=2,
                          label=f"{what}, {dataset}")  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel="particles and data in the batch N", ylabel="mean |V|² (length²)",
             title=f"loss on minibatches: {kernel} (lines: leading order; 95 %)")  # fmt: skip
    axis.set_xticks(sizes[::2], [str(size) for size in sizes[::2]])
    axis.minorticks_off()
    axis.legend(fontsize=7)
