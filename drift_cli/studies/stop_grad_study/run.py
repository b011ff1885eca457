"""`drift stop-grad-study`: Theorem 5.6, Figures 3 and 4, and which path of the gradient does the harm."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from drift_cli.catalogue import find
from drift_cli.data import target_of
from drift_cli.runs.folder import RunFolder
from drift_cli.studies.stop_grad_study import comparison, figures, mechanism, reported, training
from drift_cli.studies.stop_grad_study.comparison import Runs, cases, own_runs
from drift_cli.studies.stop_grad_study.pairs import Cell, pairs
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.study import Study, refuse_another, study
from drift_cli.training import device as devices


@dataclass(frozen=True)
class Result:
    """What was measured, and every run."""

    summary: dict[str, float]
    runs: Runs


def run(config: StopGradStudyConfig, path: Path) -> Result:
    """Measure the mechanism, train every run that is not done yet, and write curves, figures, summary and claims."""
    plan = training.planned(config)  # what cannot be trained is refused before any work
    devices.resolve(config.device)
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = mechanism.PARTS + len(plan) + 1
    with (
        RunFolder(path).locked(),
        study("stop-grad-study", config, path, config.seeds[0], parts, resumable=True) as s,
    ):
        targets = {name: target_of(training.DATASETS[name].made()) for name in config.datasets}
        used = {name: find("kernel", name)(bandwidth=config.bandwidth) for name in config.kernels}
        seed = config.seeds[0]
        asked = {"datasets": config.datasets, "kernels": config.kernels, "bandwidth": config.bandwidth, "seed": seed}
        s.once("mechanism", asked, mechanism.PARTS, lambda: mechanism.measure(targets, used, seed, s))
        found: Runs = {}
        for case, tracked in training.carried_out(plan, path / "runs", config.jobs):
            found[case] = tracked
            setting = f"{case.dataset}, {case.kernel} {case.bandwidth:g}, batch {case.batch_size}"
            s.done(f"run {len(found)} of {len(plan)}: {setting}, {case.paths}, seed {case.seed}")
            if tracked.diverged is not None:
                s.console.print(f"{case.paths} on {setting}, seed {case.seed}: the loss was not finite at step "
                                f"{tracked.diverged}; measured where it was last", soft_wrap=True)  # fmt: skip
        runs = {case: found[case] for case in plan}  # in the order of the plan, whichever was done first
        s.part("what the runs say")
        comparison.means(config, s, runs)
        comparison.ratios(config, s, runs)
        comparison.correlations(config, s, runs)
        comparison.planes(config, s, runs)
        reported.figure_4(config, s, runs, targets, used)
        cells = pairs(config, s, runs)
        _collapses(config, s, runs)
        _worst(config, s)
        _draw(config, s, runs, cells)
    return Result(s.summary, runs)


def _collapses(config: StopGradStudyConfig, s: Study, runs: Runs) -> None:
    """The share of all runs of each choice of paths that ended in a collapse, with the exact binomial interval."""
    for paths in config.paths:
        found = [run.collapsed for case, run in runs.items() if case.paths == paths]
        ends = stats.binomtest(sum(found), len(found)).proportion_ci()
        s.interval(f"{paths}_collapsed", float(np.mean(found)), float(ends.low), float(ends.high))
        s.summary[f"{paths}_runs"] = float(len(found))
    # Where `none` leaves the target uncovered as well, the runs are too short or too small to tell a collapse by it.
    if s.summary["none_collapsed"] == 0:
        for paths in (paths for paths in ("query", "samples") if paths in config.paths):
            for end in ("", ".ci_low", ".ci_high"):
                s.summary[f"{paths}_alone_collapses{end}"] = s.summary[f"{paths}_collapsed{end}"]


def _worst(config: StopGradStudyConfig, s: Study) -> None:
    """The numbers that decide the claims: each over all datasets and kernels, its worst case."""
    decisive: tuple[tuple[str, str, Callable[..., str]], ...] = (
        ("none_over_floor.max", "none_over_floor", max),
        ("both_over_none_sw.min", "both_over_none.sw", min),
        ("query_over_none_sw.min", "query_over_none.sw", min),
        ("samples_over_none_sw.min", "samples_over_none.sw", min),
        ("samples_over_none_sw.max", "samples_over_none.sw", max),
        ("both_over_none_loss.max", "both_over_none.loss", max),
        ("none_drift_norm_over_floor.max", "none.drift_norm_over_floor", max),
        ("both_drift_norm_over_floor.max", "both.drift_norm_over_floor", max),
        ("correlation_none.min", "none.correlation", min),
        ("plane_none_sw_over_least.max", "none.plane.sw_at_least_loss_over_least_sw", max),
        ("plane_both_sw_over_floor.min", "both.plane.sw_at_least_loss_over_floor", min),
    )
    for name, field, worst in decisive:
        _extreme(s, name, [f"{dataset}.{kernel}.{field}" for dataset, kernel in cases(config)], worst)
    laplace = [f"{dataset}.laplace.none.correlation" for dataset in config.datasets]  # the paper's own kernel
    _extreme(s, "correlation_none_laplace.min", laplace, min)
    deeper = []
    for dataset, kernel in cases(config):
        key = f"{dataset}.{kernel}"
        if f"{key}.both.plane.loss" in s.summary and f"{key}.none.plane.loss" in s.summary:
            s.summary[f"{key}.plane_both_over_none_loss"] = (
                s.summary[f"{key}.both.plane.loss"] / s.summary[f"{key}.none.plane.loss"]
            )
            deeper.append(f"{key}.plane_both_over_none_loss")
    _extreme(s, "plane_both_over_none_loss.max", deeper, max)


def _extreme(s: Study, name: str, keys: list[str], worst: Callable[..., str]) -> None:
    """The worst of `keys` under `name`, with its interval where it has one; nothing where none was measured."""
    present = [key for key in keys if key in s.summary]
    if not present:
        return
    chosen = worst(present, key=s.summary.__getitem__)
    for end in ("", ".ci_low", ".ci_high"):
        if chosen + end in s.summary:
            s.summary[name + end] = s.summary[chosen + end]


def _draw(config: StopGradStudyConfig, s: Study, runs: Runs, cells: list[Cell]) -> None:
    folder = s.path / "figures"
    if cells:
        s.figures += [figures.pairs(cells, folder), figures.samples_alone(cells, folder)]
    for kernel in config.kernels:
        own = {
            (dataset, paths): own_runs(config, runs, dataset, kernel, paths)
            for dataset, paths in itertools.product(config.datasets, config.paths)
        }
        titles = {
            (dataset, paths): s.summary.get(f"{dataset}.{kernel}.{paths}.correlation", np.nan) for dataset, paths in own
        }
        label = figures.kernel_title(kernel, config.bandwidth)
        s.figures.append(figures.norm_against_distance(own, titles, label, folder, f"norm_against_distance_{kernel}"))
        s.figures.append(figures.curves(own, label, folder, f"curves_{kernel}"))
        s.figures.append(figures.samples(own, label, folder, f"samples_{kernel}"))
        for dataset in config.datasets:
            planes = {paths: own[dataset, paths][0] for paths in config.paths}
            if all(r.plane is not None for r in planes.values()):
                name = f"landscape_{dataset}_{kernel}"
                s.figures.append(figures.landscape(planes, dataset, label, folder, name))
