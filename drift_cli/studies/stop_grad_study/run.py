"""Theorem 5.6, Figures 3 and 4, and which gradient path does the harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drift_cli.catalogue import find
from drift_cli.data import target_of
from drift_cli.figures.attempts import Drawing
from drift_cli.studies.numbers import Kept, Measured
from drift_cli.studies.stop_grad_study import (
    comparison,
    figures,
    mechanism,
    mechanism_figure,
    pairs,
    reported,
    training,
)
from drift_cli.studies.stop_grad_study.comparison import Collapses, Comparison, Runs
from drift_cli.studies.stop_grad_study.pairs import Pairs
from drift_cli.studies.stop_grad_study.reported import Figure4
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import Case, Job
from drift_cli.studies.study import Study, refuse_another, study
from drift_cli.training import device as devices


@dataclass(frozen=True)
class Result(Measured):
    mechanism: Kept
    comparison: Comparison
    figure_4: Figure4
    pairs: Pairs
    collapses: Collapses


def run(config: StopGradStudyConfig, path: Path) -> Result:
    """Measure the mechanism, train every run that is not done yet, and write curves, figures, summary and claims."""
    plan = training.planned(config)  # what cannot be trained is refused before any work
    devices.resolve(config.device)
    config.executor.check_installed()
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = mechanism.PARTS + len(plan) + 1
    with study("stop-grad-study", config, path, config.seeds[0], parts, resumable=True) as s:
        targets = {name: target_of(training.DATASETS[name].made()) for name in config.datasets}
        used = {name: find("kernel", name)(bandwidth=config.bandwidth) for name in config.kernels}
        seed = config.seeds[0]
        asked = {"datasets": config.datasets, "kernels": config.kernels, "bandwidth": config.bandwidth, "seed": seed}

        def measure() -> tuple[Measured, list[Drawing]]:
            found = mechanism.measure(targets, used, seed, s.part)
            return found, [("mechanism", lambda: mechanism_figure.mechanism(found, s.drawings))]

        kept = s.once("mechanism", asked, mechanism.PARTS, measure)
        runs = _trained(config, s, plan)
        s.part("evaluating the runs")
        result = Result(
            kept,
            comparison.comparison(config, runs),
            reported.figure_4(config, runs, targets, used),
            pairs.pairs(config, runs),
            comparison.collapses(config, runs),
        )
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _trained(config: StopGradStudyConfig, s: Study, plan: dict[Case, Job]) -> Runs:
    """Every run in the order of the plan, whichever was done first."""
    found: Runs = {}
    for case, tracked in training.carried_out(plan, s.path / "runs", config.jobs, config.executor):
        found[case] = tracked
        setting = f"{case.dataset}, {case.kernel} {case.bandwidth:g}, batch {case.batch_size}"
        s.done(f"run {len(found)} of {len(plan)}: {setting}, {case.paths}, seed {case.seed}")
        if tracked.diverged is not None:
            s.console.print(f"{case.paths} on {setting}, seed {case.seed}: the loss was not finite at step "
                            f"{tracked.diverged}; measured where it was last finite", soft_wrap=True)  # fmt: skip
    return {case: found[case] for case in plan}


def _drawn(config: StopGradStudyConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    cells, settings = list(result.pairs.cells.values()), result.comparison.settings
    if cells:
        yield "pairs", lambda: figures.pairs(cells, folder)
        yield "samples_alone", lambda: figures.samples_alone(cells, folder)
    for kernel in config.kernels:
        shown = {
            (dataset, paths): found
            for dataset in config.datasets
            for paths, found in settings[f"{dataset}.{kernel}"].paths.items()
        }
        label = figures.kernel_title(kernel, config.bandwidth)
        for what in (figures.norm_against_distance, figures.curves, figures.samples):
            name = f"{what.__name__}_{kernel}"
            yield name, partial(what, shown, label, folder, name)
        for dataset in config.datasets:
            planes = {paths: each.first for (of, paths), each in shown.items() if of == dataset}
            if all(r.plane is not None for r in planes.values()):
                name = f"landscape_{dataset}_{kernel}"
                yield name, partial(figures.landscape, planes, dataset, label, folder, name)
