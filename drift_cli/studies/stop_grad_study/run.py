"""Theorem 5.6, Figures 3 and 4, and which gradient path does the harm."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from drift_cli.catalogue import find
from drift_cli.data import target_of
from drift_cli.figures.attempts import Drawing
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Measured
from drift_cli.studies.stop_grad_study import (
    comparison,
    figures,
    mechanism,
    mechanism_figure,
    pairs,
    reported,
    training,
)
from drift_cli.studies.stop_grad_study.comparison import Comparison
from drift_cli.studies.stop_grad_study.pairs import Pairs
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import PathsRun
from drift_cli.studies.study import study
from drift_cli.training import device as devices


def run(config: StopGradStudyConfig, path: Path) -> None:
    """Measure the mechanism, train every run that is not done yet, and write curves, figures, summary and claims."""
    plan = training.planned(config)  # what cannot be trained is refused before any work
    devices.resolve(config.device)
    parts = mechanism.PARTS + len(plan) + 1
    with study("stop-grad-study", config, path, config.seeds[0], parts, resumable=True) as s:
        targets = {name: target_of(training.DATASETS[name].made()) for name in config.datasets}
        used = {name: find("kernel", name)(bandwidth=config.bandwidth) for name in config.kernels}
        seed = config.seeds[0]
        asked = {"datasets": config.datasets, "kernels": config.kernels, "bandwidth": config.bandwidth, "seed": seed}

        def measure() -> tuple[Measured, list[Drawing]]:
            found = mechanism.measure(targets, used, seed, s.part)
            return found, [("mechanism", lambda: mechanism_figure.mechanism(found, s.drawings))]

        s.once("mechanism", asked, mechanism.PARTS, measure)
        finished = finished_runs(config, s, plan, _told, config.device)
        runs = {case: training.read(kept) for case, kept in finished.items()}
        for case, tracked in runs.items():
            if (step := tracked.diverged) is not None:
                s.warn(f"{_told(case)}: the loss was not finite at step {step}; measured where it was last finite")
        s.part("evaluating the runs")
        compared, of_pairs = comparison.comparison(config, runs), pairs.pairs(config, runs)
        s.leave(reported.figure_4(config, runs, targets, used))
        s.leave(comparison.collapses(config, runs))
        s.leave(compared, _drawn(config, compared, s.drawings))
        s.leave(of_pairs, _drawn_pairs(of_pairs, s.drawings))


def _told(run: PathsRun) -> str:
    setting = f"{run.dataset}, {run.kernel} {run.bandwidth:g}, batch {run.batch_size}"
    return f"{setting}, {run.paths}, seed {run.seed}"


def _drawn_pairs(found: Pairs, folder: Path) -> Iterator[Drawing]:
    if cells := list(found.cells.values()):
        yield "pairs", lambda: figures.pairs(cells, folder)
        yield "samples_alone", lambda: figures.samples_alone(cells, folder)


def _drawn(config: StopGradStudyConfig, found: Comparison, folder: Path) -> Iterator[Drawing]:
    for kernel in config.kernels:
        shown = {
            (dataset, paths): each
            for dataset in config.datasets
            for paths, each in found.settings[f"{dataset}.{kernel}"].paths.items()
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
