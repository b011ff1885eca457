r"""Of `drift stop-grad-study`: the gradient paths beside each other at one bandwidth and batch (Theorem 5.6, Figure 4).

Means over seeds, ratios paired by seed, the drift norm against SW-2, and each run's plane (Figure 3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import Case, Tracked
from drift_cli.studies.study import Study
from drift_cli.theory import correlation

_REACHED = 2.0  # deviations of the floor, within which a drift norm counts as having reached it
Runs = dict[Case, Tracked]


def own_runs(config: StopGradStudyConfig, runs: Runs, dataset: str, kernel: str, paths: str) -> list[Tracked]:
    """The runs at the study's own bandwidth and batch, one per seed."""
    return [
        runs[Case(dataset, kernel, config.bandwidth, config.batch_size, paths, seed)] for seed in config.seeds
    ]  # fmt: skip


def cases(config: StopGradStudyConfig) -> Iterable[tuple[str, str]]:
    """Dataset and kernel."""
    return itertools.product(config.datasets, config.kernels)


def means(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """`<dataset>.<kernel>.<paths>.<what>`: the mean over seeds, and `.sd` where there is more than one; the curves."""
    for (dataset, kernel), paths in itertools.product(cases(config), config.paths):
        own = own_runs(config, runs, dataset, kernel, paths)
        columns = {
            "sw": [r.final_sw for r in own],
            "sw_floor": [r.sw_floor for r in own],
            "loss": [r.loss for r in own],
            "drift_norm": [r.drift_norm[-1] for r in own],
            "drift_norm_floor": [r.norm_floor for r in own],
            "drift_norm_start": [r.drift_norm[0] for r in own],
            "spread": [r.spread[-1] for r in own],
            "uncovered": [r.uncovered[-1] for r in own],
            "collapsed": [float(r.collapsed) for r in own],
            "diverged": [float(r.diverged is not None) for r in own],
        }
        for what, values in columns.items():
            s.mean(f"{dataset}.{kernel}.{paths}.{what}", values)
        for seed, r in zip(config.seeds, own, strict=True):
            names = ("steps", "drift_norm", "mean_square", "sw", "spread", "uncovered")
            s.curves(f"{dataset}_{kernel}_{paths}_{seed}", {name: getattr(r, name) for name in names})


def ratios(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """Each choice of paths beside `none`, paired by seed."""
    all_over_floor: list[list[float]] = []
    all_losses: list[list[float]] = []
    for dataset, kernel in cases(config):
        case, none = f"{dataset}.{kernel}", own_runs(config, runs, dataset, kernel, "none")
        s.summary[f"{case}.none_over_floor"] = s.summary[f"{case}.none.sw"] / s.summary[f"{case}.none.sw_floor"]
        for paths in (paths for paths in config.paths if paths != "none"):
            own = own_runs(config, runs, dataset, kernel, paths)
            s.ratio(f"{case}.{paths}_over_none.sw", [a.final_sw / b.final_sw for a, b in zip(own, none, strict=True)])
            s.ratio(f"{case}.{paths}_over_none.loss", [a.loss / b.loss for a, b in zip(own, none, strict=True)])
        s.ratio(f"{case}.none.drift_norm_over_floor", [r.drift_norm[-1] / r.norm_floor for r in none])
        if "both" not in config.paths:
            continue
        both = own_runs(config, runs, dataset, kernel, "both")
        over_floor = [r.drift_norm[-1] / r.norm_floor for r in both]
        s.ratio(f"{case}.both.drift_norm_over_floor", over_floor)
        s.ratio(f"{case}.both.drift_norm_fall", [r.drift_norm[-1] / r.drift_norm[0] for r in both])
        all_over_floor.append(over_floor)
        all_losses.append([a.loss / b.loss for a, b in zip(both, none, strict=True)])
    # Over all cases: a mean per seed first, so that the interval is one over seeds.
    for key, ratios in (("both_drift_norm_over_floor", all_over_floor), ("both_over_none_loss", all_losses)):
        if ratios:
            s.ratio(key, by_seed(ratios))
    if {"laplace", "gaussian"} <= set(config.kernels):
        gaussian, laplace = (
            [[r.final_sw for r in own_runs(config, runs, dataset, kernel, "none")] for dataset in config.datasets]
            for kernel in ("gaussian", "laplace")
        )
        s.ratio("none.gaussian_over_laplace_sw", by_seed(np.divide(gaussian, laplace).tolist()))


def by_seed(ratios: list[list[float]]) -> list[float]:
    """The geometric mean over cases for each seed, one row a case; what is nan is left out, and seeds without any."""
    logs = np.log(np.array(ratios))
    return [float(np.exp(np.nanmean(column))) for column in logs.T if np.isfinite(column).any()]


def before_floor(r: Tracked) -> int:
    """How many tracked points come before the drift norm is first within two deviations of its floor."""
    reached = np.flatnonzero(r.drift_norm <= r.norm_floor + _REACHED * r.norm_floor_sd)
    return int(reached[0]) if len(reached) else len(r.steps)


def correlations(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """log drift norm against log SW along the runs, whole and before the drift norm reaches its floor."""
    for (dataset, kernel), paths in itertools.product(cases(config), config.paths):
        own = own_runs(config, runs, dataset, kernel, paths)
        for name, lengths in (
            ("correlation", [len(r.steps) for r in own]),
            ("correlation_before_floor", [before_floor(r) for r in own]),
        ):
            x = [r.drift_norm[:n] for r, n in zip(own, lengths, strict=True)]
            y = [r.sw[:n] for r, n in zip(own, lengths, strict=True)]
            if (found := correlation.log_log(x, y, config.seeds[0])) is not None:
                s.interval(f"{dataset}.{kernel}.{paths}.{name}", found.value, found.low, found.high)


def planes(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """Where on its plane each run's loss is least, and what SW-2 is there."""
    for (dataset, kernel), paths in itertools.product(cases(config), config.paths):
        run = own_runs(config, runs, dataset, kernel, paths)[0]
        plane = run.plane
        if plane is None:
            continue
        key = f"{dataset}.{kernel}.{paths}.plane"
        least = np.unravel_index(plane.loss.argmin(), plane.loss.shape)
        s.summary |= {
            f"{key}.loss": float(plane.loss[least]),
            f"{key}.sw_at_least_loss_over_floor": float(plane.sw[least]) / run.sw_floor,
            f"{key}.sw_at_least_loss_over_least_sw": float(plane.sw[least] / plane.sw.min()),
            f"{key}.variance": float(plane.shares.sum()),
            f"{key}.way": plane.explained,
        }
        x, y = np.meshgrid(plane.x, plane.y)
        columns = {"x": x.ravel(), "y": y.ravel(), "loss": plane.loss.ravel(), "sw": plane.sw.ravel()}
        s.curves(f"plane_{dataset}_{kernel}_{paths}", columns)
