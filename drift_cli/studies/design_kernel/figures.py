"""Figures of `drift design-kernel`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from drift_cli.figures.style import DATA, FLOOR, MODEL, log_ticks, panels, save, style
from drift_cli.studies.design_kernel.budget import Budget
from drift_cli.studies.design_kernel.capture import STARTS, Capture
from drift_cli.studies.design_kernel.contenders import contenders
from drift_cli.studies.design_kernel.methods import METHODS, NAMES
from drift_cli.studies.design_kernel.samples import Sampled
from drift_cli.studies.design_kernel.settings import TARGETS, DesignKernelConfig
from drift_cli.studies.design_kernel.trained import Trained
from drift_cli.studies.numbers import Estimate

LOOKS = {
    "gaussian": {"color": FLOOR, "linestyle": ":", "marker": "v"},
    "laplace": {"color": MODEL, "linestyle": "--", "marker": "s"},
    "three_drifts": {"color": MODEL, "linestyle": "-", "marker": "D"},
    "critical": {"color": DATA, "linestyle": ":", "marker": "^"},
    "annealing": {"color": "black", "linestyle": "--", "marker": "x"},
    "optimal": {"color": DATA, "linestyle": "-", "marker": "o"},
    "level": {"color": DATA, "linestyle": "--", "marker": "P"},
}
_NAMES = {**NAMES, "level": "optimal, for K as it is"}


def times(config: DesignKernelConfig, found: Budget, folder: Path) -> Path:
    """The time over the bound that none can beat, against K, in each dimension."""
    with style():
        figure, axes = panels(1, len(config.dimensions), 2.6, 2.6)
        for axis, d in zip(axes, config.dimensions, strict=True):
            for name, look in LOOKS.items():
                if name == "level":
                    continue
                over = [found.times[f"{modes}.{d}d"].over_bound[name] for modes in config.modes]
                axis.loglog(config.modes, over, label=_NAMES[name], markersize=4, **look)
            axis.axhline(1, color=FLOOR, linewidth=0.8)
            axis.set_title(f"{d} dimensions")
            axis.set_xlabel("modes K")
        axes[0].set_ylabel("time / (ln(1/ε) $H_K$)")
        axes[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        return save(figure, folder, "times")


def rates(config: DesignKernelConfig, folder: Path) -> Path:
    """How each family spends the budget, in the plane, at its best for the middle K."""
    modes = sorted(config.modes)[len(config.modes) // 2]
    k = np.geomspace(0.1, 10 * modes, 300)
    with style():
        figure, (axis,) = panels(1, 1, 4.2, 2.8)
        for name, each in contenders(modes, 2).items():
            if name in LOOKS:
                look = {key: value for key, value in LOOKS[name].items() if key != "marker"}
                axis.semilogx(k, each.rate(k), label=_NAMES[name], **look)
        axis.axvspan(1, modes, color=FLOOR, alpha=0.12, linewidth=0)
        axis.set_xlabel("frequency (shaded: 1 … K)")
        axis.set_ylabel("rate λ")
        axis.legend(fontsize=7)
        return save(figure, folder, "rates")


def given(config: DesignKernelConfig, found: Sampled, folder: Path) -> Path:
    """The error that is left over that of the best kernel for the batch."""
    with style():
        figure, axes = panels(1, len(config.spectra), 2.8, 2.6)
        for axis, spectrum in zip(axes, config.spectra, strict=True):
            for name in ("gaussian", "laplace", "three_drifts", "critical", "optimal", "level"):
                over = [found.given[f"given.{spectrum:g}.{n}"].over_best[name] for n in config.batches]
                axis.loglog(config.batches, over, label=_NAMES[name], markersize=4, **LOOKS[name])
            axis.axhline(1, color=FLOOR, linewidth=0.8)
            axis.set_title(f"energy ∝ $k^{{-{spectrum:g}}}$" if spectrum else "flat energy")
            log_ticks(axis.yaxis)
            axis.set_xlabel("samples per step N")
        axes[0].set_ylabel("error / that of the best for N")
        axes[-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
        return save(figure, folder, "given")


def captures(config: DesignKernelConfig, found: Capture, folder: Path) -> Path:
    """How far a lost mode may be on the line, and the shares of 25 modes in the plane from each start."""
    with style():
        figure, axes = panels(1, 1 + len(STARTS), 2.4, 3.2)
        names = list(METHODS)
        places = range(len(names))
        reach = [found.line[f"capture.{name}"].lost_range if not METHODS[name].annealed else 0.0 for name in names]
        axes[0].barh(places, reach, color=[_colour(name) for name in names], height=0.6)
        for place, name in zip(places, names, strict=True):
            if METHODS[name].annealed:
                axes[0].text(0.05, place, "not a fixed kernel", fontsize=6, va="center")
        axes[0].set_title(f"lost mode back in time {config.capture.horizon:g}")
        axes[0].set_xlabel("from how far")
        for axis, (start, title) in zip(axes[1:], STARTS.items(), strict=True):
            for place, name in zip(places, names, strict=True):
                _interval(axis, place, found.plane[f"captured.{start}.{name}"].tv, _colour(name))
            axis.set_title(f"start: {title}")
            axis.set_xlabel("TV of the shares")
            axis.set_xlim(0, 1)
        for axis in axes:
            axis.set_axisbelow(True)
            axis.set_yticks(places, [NAMES[name] for name in names] if axis is axes[0] else [])
            axis.set_ylim(len(names) - 0.5, -0.5)
        return save(figure, folder, "capture")


def trainings(config: DesignKernelConfig, found: Trained, folder: Path) -> Path:
    """Distance over that under the Laplace kernel, a panel a target; 95 % intervals over seeds."""
    targets = config.trained.targets
    names = [name for name in config.trained.methods if name != "laplace"]
    rows = (len(targets) + 3) // 4
    with style():
        figure, axes = panels(rows, min(4, len(targets)), 2.4, 1.9)
        for axis in axes[len(targets) :]:
            axis.set_visible(False)
        for k, (axis, target) in enumerate(zip(axes, targets, strict=False)):
            for place, name in enumerate(names):
                ratio = found.over_laplace.get(f"trained.{target}.{name}")
                if ratio is None:
                    axis.text(1.0, place, "cannot be", fontsize=6, va="center", ha="center")
                    continue
                _interval(axis, place, ratio, _colour(name))
            axis.axvline(1, color=FLOOR, linewidth=0.8)
            axis.set_xscale("log")
            axis.set_title(TARGETS[target])
            axis.set_yticks(range(len(names)), [NAMES[name] for name in names] if k % 4 == 0 else [])
            axis.set_ylim(len(names) - 0.5, -0.5)
            log_ticks(axis.xaxis)
            if k >= len(targets) - 4:
                axis.set_xlabel("distance / that under Laplace")
        return save(figure, folder, "trained")


def _colour(name: str) -> str:
    """The designs, the Laplace kernel and its sum of drifts, the Gaussian ones."""
    if name in ("critical", "log_uniform", "optimal"):
        return DATA
    return MODEL if name in ("laplace", "three_drifts") else FLOOR


def _interval(axis: Axes, place: float, value: Estimate, colour: str) -> None:
    low, high = (value.spread().get(end, value.value) for end in ("ci_low", "ci_high"))
    ends = [[max(value.value - low, 0)], [max(high - value.value, 0)]]
    axis.errorbar([value.value], [place], xerr=ends, color=colour, marker="o", markersize=4, capsize=2, linewidth=1)
