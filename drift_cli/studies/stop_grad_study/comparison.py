r"""The gradient paths compared at one bandwidth and batch size (Theorem 5.6, Figure 4).

Means over seeds, ratios paired by seed, the drift norm against SW-2, and each run's plane (Figure 3).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from scipy import stats

from drift_cli.studies.numbers import Estimate, Interval, Mean, Measured, Numbers, Ratio, Table, before
from drift_cli.studies.stop_grad_study.landscape import Landscape
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import PathsRun, Tracked
from drift_cli.studies.training import first_within
from drift_cli.theory import correlation

_REACHED = 2.0  # deviations of the floor, within which a drift norm counts as having reached it
Runs = dict[PathsRun, Tracked]
Number = TypeVar("Number", bound=float | Estimate)


@dataclass(frozen=True)
class OnPlane(Measured):
    """Where the loss is least on a run's plane: that loss, SW-2 there over its floor and over the least SW-2.

    `variance` is the share of the gradients' variance in the plane, `way` that of the way from first to last weights.
    """

    loss: float
    sw_at_least_loss_over_floor: float
    sw_at_least_loss_over_least_sw: float
    variance: float
    way: float


@dataclass(frozen=True)
class OfPaths(Measured):
    """One dataset and kernel with one choice of paths, over the seeds of `runs`; `name` has all three."""

    name: str
    runs: dict[int, Tracked]
    sw: Mean
    sw_floor: Mean
    loss: Mean
    drift_norm: Mean
    drift_norm_floor: Mean
    drift_norm_start: Mean
    spread: Mean
    uncovered: Mean
    collapsed: Mean
    diverged: Mean
    drift_norm_over_floor: Ratio | None  # of none and both
    drift_norm_fall: Ratio | None  # from the first step to the last, of both
    correlation: Interval | None  # of log drift norm and log SW-2 along the runs
    correlation_before_floor: Interval | None  # the same until the drift norm reaches its floor
    planes: dict[str, OnPlane]  # "plane": that of the first seed, where it has one

    @property
    def first(self) -> Tracked:
        """The run of the first seed, the one that has a plane."""
        return next(iter(self.runs.values()))

    def tables(self) -> dict[str, Table]:
        names = ("steps", "drift_norm", "mean_square", "sw", "spread", "uncovered")
        found: dict[str, Table] = {
            f"{self.name}_{seed}": {name: getattr(r, name) for name in names} for seed, r in self.runs.items()
        }
        if (plane := self.first.plane) is not None:
            x, y = np.meshgrid(plane.x, plane.y)
            surface = {"x": x.ravel(), "y": y.ravel(), "loss": plane.loss.ravel(), "sw": plane.sw.ravel()}
            found[f"plane_{self.name}"] = surface
        return found


@dataclass(frozen=True)
class OverNone(Measured):
    """One choice of paths over `none`, paired by seed: SW-2 and loss."""

    sw: Ratio
    loss: Ratio


@dataclass(frozen=True)
class Beside(Measured):
    """One dataset and kernel: every choice of paths, and each over `none` as `<paths>_over_none`.

    `none_over_floor` is SW-2 with the stop-gradient over that of two samples of the target; the last is the least
    loss on the plane of `both` over that on the plane of `none`.
    """

    paths: dict[str, OfPaths]
    over_none: dict[str, OverNone]
    none_over_floor: float
    plane_both_over_none_loss: float | None


@dataclass(frozen=True)
class Comparison(Measured):
    """Every dataset and kernel; over all of them the ratios of `both`, one mean a seed, and the worst case.

    `gaussian_over_laplace_sw`: SW-2 with the Gaussian kernel over that with the Laplace kernel, of `none`, the mean
    over datasets paired by seed.
    """

    settings: dict[str, Beside]
    both_drift_norm_over_floor: Ratio | None
    both_over_none_loss: Ratio | None
    gaussian_over_laplace_sw: dict[str, Ratio] = field(metadata=before("."))
    worst: Numbers


@dataclass(frozen=True)
class Collapses(Measured):
    """The share of all runs of each choice of paths that ended in a collapse, with the exact binomial interval.

    `alone_collapses` says it of `query` and of `samples`, where no run with the stop-gradient collapsed: where one did,
    the runs are too short or too small to tell a collapse by it.
    """

    collapsed: dict[str, Interval] = field(metadata=before("_"))
    runs: dict[str, int] = field(metadata=before("_"))
    alone_collapses: dict[str, Interval] = field(metadata=before("_"))


def own_runs(config: StopGradStudyConfig, runs: Runs, dataset: str, kernel: str, paths: str) -> list[Tracked]:
    """The runs at the study's own bandwidth and batch, one per seed."""
    own = (dataset, kernel, config.bandwidth, config.batch_size, paths)
    return [runs[PathsRun(*own, seed)] for seed in config.seeds]


def cases(config: StopGradStudyConfig) -> Iterable[tuple[str, str]]:
    """Dataset and kernel."""
    return itertools.product(config.datasets, config.kernels)


def comparison(config: StopGradStudyConfig, runs: Runs) -> Comparison:
    """The runs at the study's own bandwidth and batch size, compared."""
    settings = {f"{dataset}.{kernel}": _beside(config, runs, dataset, kernel) for dataset, kernel in cases(config)}
    over_floor, losses = [], []
    if "both" in config.paths:
        for dataset, kernel in cases(config):
            none, both = (own_runs(config, runs, dataset, kernel, paths) for paths in ("none", "both"))
            over_floor.append([r.drift_norm[-1] / r.norm_floor for r in both])
            losses.append([a.loss / b.loss for a, b in zip(both, none, strict=True)])
    over_laplace = {}
    if {"laplace", "gaussian"} <= set(config.kernels):
        gaussian, laplace = (
            [[r.final_sw for r in own_runs(config, runs, dataset, kernel, "none")] for dataset in config.datasets]
            for kernel in ("gaussian", "laplace")
        )
        over_laplace["none"] = Ratio(by_seed(np.divide(gaussian, laplace).tolist()))
    # Over all cases: a mean per seed first, so that the interval is one over seeds.
    fell, lost = (Ratio(by_seed(ratios)) if ratios else None for ratios in (over_floor, losses))
    return Comparison(settings, fell, lost, over_laplace, _worst(settings))


def _beside(config: StopGradStudyConfig, runs: Runs, dataset: str, kernel: str) -> Beside:
    found = {paths: _of_paths(config, runs, dataset, kernel, paths) for paths in config.paths}
    none = list(found["none"].runs.values())
    over_none = {}
    for paths, each in found.items():
        pairs = list(zip(each.runs.values(), none, strict=True))
        if paths != "none":
            sw, loss = ([getattr(a, what) / getattr(b, what) for a, b in pairs] for what in ("final_sw", "loss"))
            over_none[f"{paths}_over_none"] = OverNone(Ratio(sw), Ratio(loss))
    planes = [found[paths].planes.get("plane") for paths in ("both", "none") if paths in found]
    deeper = planes[0].loss / planes[1].loss if len(planes) == 2 and planes[0] and planes[1] else None
    return Beside(found, over_none, found["none"].sw.value / found["none"].sw_floor.value, deeper)


def _of_paths(config: StopGradStudyConfig, runs: Runs, dataset: str, kernel: str, paths: str) -> OfPaths:
    own = own_runs(config, runs, dataset, kernel, paths)
    whole, before_it = [len(r.steps) for r in own], [before_floor(r) for r in own]
    plane = own[0].plane
    return OfPaths(
        f"{dataset}_{kernel}_{paths}",
        dict(zip(config.seeds, own, strict=True)),
        sw=Mean([r.final_sw for r in own]),
        sw_floor=Mean([r.sw_floor for r in own]),
        loss=Mean([r.loss for r in own]),
        drift_norm=Mean([r.drift_norm[-1] for r in own]),
        drift_norm_floor=Mean([r.norm_floor for r in own]),
        drift_norm_start=Mean([r.drift_norm[0] for r in own]),
        spread=Mean([r.spread[-1] for r in own]),
        uncovered=Mean([r.uncovered[-1] for r in own]),
        collapsed=Mean([float(r.collapsed) for r in own]),
        diverged=Mean([float(r.diverged is not None) for r in own]),
        drift_norm_over_floor=(
            Ratio([r.drift_norm[-1] / r.norm_floor for r in own]) if paths in ("none", "both") else None
        ),
        drift_norm_fall=Ratio([r.drift_norm[-1] / r.drift_norm[0] for r in own]) if paths == "both" else None,
        correlation=_correlation(own, whole, config.seeds[0]),
        correlation_before_floor=_correlation(own, before_it, config.seeds[0]),
        planes={} if plane is None else {"plane": _on_plane(plane, own[0].sw_floor)},
    )


def _correlation(own: list[Tracked], lengths: list[int], seed: int) -> Interval | None:
    """log drift norm against log SW along the first points of each run."""
    x = [r.drift_norm[:n] for r, n in zip(own, lengths, strict=True)]
    y = [r.sw[:n] for r, n in zip(own, lengths, strict=True)]
    found = correlation.log_log(x, y, seed)
    return None if found is None else Interval(found.value, found.low, found.high)


def _on_plane(plane: Landscape, sw_floor: float) -> OnPlane:
    least = np.unravel_index(plane.loss.argmin(), plane.loss.shape)
    return OnPlane(
        float(plane.loss[least]),
        float(plane.sw[least]) / sw_floor,
        float(plane.sw[least] / plane.sw.min()),
        float(plane.shares.sum()),
        plane.explained,
    )


def by_seed(ratios: list[list[float]]) -> list[float]:
    """The geometric mean over cases for each seed, one row a case; what is nan is left out, and seeds without any."""
    logs = np.log(np.array(ratios))
    return [float(np.exp(np.nanmean(column))) for column in logs.T if np.isfinite(column).any()]


def before_floor(r: Tracked) -> int:
    """How many tracked points come before the drift norm is first within two deviations of its floor."""
    reached = first_within(r.drift_norm, r.norm_floor + _REACHED * r.norm_floor_sd)
    return len(r.steps) if reached is None else reached


def _worst(settings: dict[str, Beside]) -> Numbers:
    """What decides the claims: the least ("min") or largest ("max") over all datasets and kernels."""
    every = list(settings.values())
    none, both = ([each.paths[paths] for each in every if paths in each.paths] for paths in ("none", "both"))
    laplace = [each.paths["none"] for key, each in settings.items() if key.endswith(".laplace")]  # the paper's kernel

    def over_none(paths: str) -> list[OverNone]:
        return [each.over_none[key] for each in every if (key := f"{paths}_over_none") in each.over_none]

    planes_of_none, planes_of_both = ([plane for each in of for plane in each.planes.values()] for of in (none, both))
    return Numbers({
        "none_over_floor.max": _extreme(max, [each.none_over_floor for each in every]),
        "both_over_none_sw.min": _extreme(min, [each.sw for each in over_none("both")]),
        "query_over_none_sw.min": _extreme(min, [each.sw for each in over_none("query")]),
        "samples_over_none_sw.min": _extreme(min, [each.sw for each in over_none("samples")]),
        "samples_over_none_sw.max": _extreme(max, [each.sw for each in over_none("samples")]),
        "both_over_none_loss.max": _extreme(max, [each.loss for each in over_none("both")]),
        "none_drift_norm_over_floor.max": _extreme(max, [each.drift_norm_over_floor for each in none]),
        "both_drift_norm_over_floor.max": _extreme(max, [each.drift_norm_over_floor for each in both]),
        "correlation_none.min": _extreme(min, [each.correlation for each in none]),
        "correlation_none_laplace.min": _extreme(min, [each.correlation for each in laplace]),
        "plane_none_sw_over_least.max": _extreme(
            max, [each.sw_at_least_loss_over_least_sw for each in planes_of_none]
        ),
        "plane_both_sw_over_floor.min": _extreme(min, [each.sw_at_least_loss_over_floor for each in planes_of_both]),
        "plane_both_over_none_loss.max": _extreme(max, [each.plane_both_over_none_loss for each in every]),
    })  # fmt: skip


def _extreme(choose: Callable[..., Number], found: Iterable[Number | None]) -> Number | None:
    """The worst of what was measured, with its spread where it has one; None where nothing was."""
    present = [each for each in found if each is not None]
    return choose(present, key=lambda each: getattr(each, "value", each)) if present else None


def collapses(config: StopGradStudyConfig, runs: Runs) -> Collapses:
    """Of every run, those of the pairs too."""
    shares, numbers = {}, {}
    for paths in config.paths:
        found = [run.collapsed for case, run in runs.items() if case.paths == paths]
        ends = stats.binomtest(sum(found), len(found)).proportion_ci()
        shares[paths] = Interval(float(np.mean(found)), float(ends.low), float(ends.high))
        numbers[paths] = len(found)
    alone = [paths for paths in ("query", "samples") if paths in shares and shares["none"].value == 0]
    return Collapses(shares, numbers, {paths: shares[paths] for paths in alone})
