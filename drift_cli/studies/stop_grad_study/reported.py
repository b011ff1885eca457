r"""What a public digest reports of Figure 4, at each setting that it leaves open.

The correlation of $\|V\|$ and SW with the stop-gradient; the drift norm and SW at the end without it. Left open: which
correlation, over which part of a run, of the mean |V| (of fresh samples), its square or the mean |V|² (of the training
batch, which is the loss); the unit of the targets, and whether SW is SW-1, SW-2 or its square.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from drift_cli.data import Target
from drift_cli.kernels import Kernel
from drift_cli.metrics.sliced_wasserstein import sliced_1
from drift_cli.studies.numbers import Estimate, Measured, NextRun
from drift_cli.studies.stop_grad_study.comparison import Runs, before_floor, cases, own_runs
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import Tracked
from drift_cli.studies.units import units
from drift_cli.theory.correlation import LEAST

_PATIENCE = 300  # mean shifts without a smaller one, after which rounding decides
_DRAWS = 20  # of fresh data at the fixed point
_SURE = 1 - 1e-12  # a correlation of exactly 1 has no Fisher transform

Along = Callable[[np.ndarray, np.ndarray, np.ndarray], float]  # of the mean |V|, the mean |V|² and SW-2 along a run


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    return float(stats.pearsonr(x, y).statistic)


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    return float(stats.spearmanr(x, y).statistic)


CORRELATIONS: dict[str, Along] = {
    "pearson.norm_sw2": lambda v, _, sw: _pearson(v, sw),
    "pearson.norm_sw2_squared": lambda v, _, sw: _pearson(v, sw**2),
    "pearson.norm_squared_sw2_squared": lambda v, _, sw: _pearson(v**2, sw**2),
    "pearson.mean_square_sw2": lambda _, v2, sw: _pearson(v2, sw),
    "pearson.mean_square_sw2_squared": lambda _, v2, sw: _pearson(v2, sw**2),
    "spearman": lambda v, _, sw: _spearman(v, sw),
    "spearman.mean_square": lambda _, v2, sw: _spearman(v2, sw),
    "log_log": lambda v, _, sw: _pearson(np.log(v), np.log(sw)),
    "log_log.mean_square": lambda _, v2, sw: _pearson(np.log(v2), np.log(sw)),
}


@dataclass(frozen=True)
class Correlation(Estimate):
    """The mean over runs and what one run more gives, by Fisher's z = artanh r, in which the interval is even."""

    values: Sequence[float]

    @property
    def value(self) -> float:  # type: ignore[override]
        return float(np.tanh(self._transformed.value))

    def spread(self) -> dict[str, float]:
        return {end: float(np.tanh(each)) for end, each in self._transformed.spread().items()}

    @property
    def _transformed(self) -> NextRun:
        return NextRun(np.arctanh(np.clip(self.values, -_SURE, _SURE)).tolist())


@dataclass(frozen=True)
class Figure4(Measured):
    """`reported.fig4.<what>.<dataset>_<kernel>.<open settings>`."""

    reported: dict[str, Estimate | float]


def figure_4(
    config: StopGradStudyConfig, runs: Runs, targets: dict[str, Target], kernels: dict[str, Kernel]
) -> Figure4:
    """What is reported, for each dataset and kernel, at every setting that is open."""
    found: dict[str, Estimate | float] = {}
    for dataset, kernel in cases(config):
        case, seed = f"{dataset}_{kernel}", config.seeds[0]
        generator = torch.Generator().manual_seed(seed)
        data = targets[dataset].sample(config.points, generator, torch.float32).points
        found |= correlations(case, own_runs(config, runs, dataset, kernel, "none"))
        if "both" in config.paths:
            found |= ends(case, own_runs(config, runs, dataset, kernel, "both"), units(data))
        fixed, fresh = collapsed_norms(kernels[kernel], targets[dataset], config.batch_size, seed)
        found[f"fig4.norm.{case}.point_fixed_data"] = fixed
        found[f"fig4.norm.{case}.point_fresh_data"] = fresh
    return Figure4(found)


def correlations(case: str, own: list[Tracked]) -> dict[str, Estimate | float]:
    """Each correlation of drift norm and SW-2, run by run."""
    found: dict[str, Estimate | float] = {}
    for extent, lengths in (("whole", [len(r.steps) for r in own]), ("before_floor", [before_floor(r) for r in own])):
        for name, of in CORRELATIONS.items():
            each = [
                of(r.drift_norm[:n], r.mean_square[:n], r.sw[:n])
                for r, n in zip(own, lengths, strict=True)
                if n >= LEAST
            ]  # a run with fewer points before its floor says nothing
            if len(each) == len(own) and np.isfinite(each).all():
                found[f"fig4.correlation.{case}.{extent}.{name}"] = Correlation(each)
    return found


def ends(case: str, own: list[Tracked], of_units: dict[str, float]) -> dict[str, Estimate | float]:
    """The drift norm and the distance that runs without the stop-gradient end at."""
    norms = {
        "end": [r.drift_norm[-1] for r in own],
        "least": [r.drift_norm.min() for r in own],
        "end_squared": [r.drift_norm[-1] ** 2 for r in own],
        "least_squared": [r.drift_norm.min() ** 2 for r in own],
        "end_mean_square": [r.mean_square[-1] for r in own],
        "least_mean_square": [r.mean_square.min() for r in own],
    }
    found: dict[str, Estimate | float] = {
        f"fig4.norm.{case}.{name}": NextRun([float(value) for value in values]) for name, values in norms.items()
    }
    first = [sliced_1(torch.from_numpy(r.samples), torch.from_numpy(r.data)) for r in own]
    for unit, length in of_units.items():
        key = f"fig4.sw.{case}.{unit}"
        found[f"{key}.sw1"] = NextRun([length * value for value in first])
        found[f"{key}.sw2"] = NextRun([length * r.final_sw for r in own])
        found[f"{key}.sw2_squared"] = NextRun([(length * r.final_sw) ** 2 for r in own])
    return found


def collapsed_norms(kernel: Kernel, target: Target, count: int, seed: int) -> tuple[float, float]:
    """|V| of samples that are all at one point, a zero of the drift of `count` data: on these data, and on fresh ones.

    There the model's own mean shift is zero, so V = M_p, and x ← x + M_p(x) goes to its zero; float32, as in training.
    Rounding may leave nothing at all at one such point, so the first is the mean over it and its float32 neighbours.
    """
    generator = torch.Generator().manual_seed(seed)
    data = target.sample(count, generator, torch.float32).points
    x = at = data.mean(dim=0, keepdim=True)
    least, since = np.inf, 0
    while since < _PATIENCE:
        shift = _mean_shift(kernel, x, data)
        if (norm := float(shift.norm())) < least:
            at, least, since = x, norm, 0
        x, since = x + shift, since + 1
    step = torch.from_numpy(np.spacing(at.abs().numpy()))
    around = at + torch.cartesian_prod(*2 * [torch.tensor([-1.0, 0.0, 1.0])]) * step
    fixed = float(_mean_shift(kernel, around, data).norm(dim=1).mean())
    fresh = [
        float(_mean_shift(kernel, at, target.sample(count, generator, torch.float32).points).norm())
        for _ in range(_DRAWS)
    ]
    return fixed, float(np.mean(fresh))


def _mean_shift(kernel: Kernel, x: Tensor, y: Tensor) -> Tensor:
    """As it is written, a sum of differences: how much rounding leaves of it depends on the form of the loop."""
    apart = y - x[:, None, :]
    weights = torch.softmax(kernel.log_profile(apart.norm(dim=2)), dim=1)
    return (weights[:, :, None] * apart).sum(dim=1)
