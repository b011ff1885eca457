"""Figures of `drift design-kernel`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drift_cli.figures.style import DATA, FLOOR, MODEL, log_ticks, panels, save, style
from drift_cli.studies.design_kernel.budget import Budget
from drift_cli.studies.design_kernel.contenders import TITLES, contenders
from drift_cli.studies.design_kernel.samples import Sampled
from drift_cli.studies.design_kernel.settings import DesignKernelConfig

LOOKS = {
    "gaussian": {"color": FLOOR, "linestyle": ":", "marker": "v"},
    "laplace": {"color": MODEL, "linestyle": "--", "marker": "s"},
    "three_drifts": {"color": MODEL, "linestyle": "-", "marker": "D"},
    "critical": {"color": DATA, "linestyle": ":", "marker": "^"},
    "annealing": {"color": "black", "linestyle": "--", "marker": "x"},
    "optimal": {"color": DATA, "linestyle": "-", "marker": "o"},
    "level": {"color": DATA, "linestyle": "--", "marker": "P"},
}
_NAMES = {**TITLES, "level": "optimal, for K as it is", "annealing": "annealed Gaussian"}


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
