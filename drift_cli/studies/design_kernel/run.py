"""Kernels by design: what the spectrum promises, what samples take away, and what a network makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drift_cli.figures.attempts import Drawing
from drift_cli.studies import kept_runs
from drift_cli.studies.design_kernel import capture, figures, trained
from drift_cli.studies.design_kernel.budget import Budget, budget
from drift_cli.studies.design_kernel.capture import Capture
from drift_cli.studies.design_kernel.samples import Sampled, sampled
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.design_kernel.steps import StepSizes, step_sizes
from drift_cli.studies.design_kernel.trained import Trained
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import Study, refuse_another, study


@dataclass(frozen=True)
class Result(Measured):
    budget: Budget
    steps: StepSizes
    samples: Sampled
    capture: Capture | None
    trained: Trained | None


def run(config: DesignKernelConfig, path: Path) -> Result:
    """Everything, into the run folder `path`; runs that it holds already are not made again."""
    config.executor.check_installed()
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    with study("design-kernel", config, path, config.seed, _parts(config), resumable=True) as s:
        s.part("the budget, and the times that it leaves")
        spent = budget(config)
        s.part("explicit steps")
        steps = step_sizes(config)
        s.part("samples")
        given = sampled(config)
        caught = _capture(config, s) if config.capture.distances else None
        result = Result(spent, steps, given, caught, _trained(config, s) if config.trained.targets else None)
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _parts(config: DesignKernelConfig) -> int:
    own = config.trained
    each = len(own.factors) + len(own.seeds)
    trainings = sum(len(trained.methods(config, target)) * each for target in own.targets)
    return 3 + (len(capture.METHODS) if config.capture.distances else 0) + trainings


def _capture(config: DesignKernelConfig, s: Study) -> Capture:
    return capture.capture(config.capture, kept_runs.made(config, s, capture.jobs(config.capture)))


def _trained(config: DesignKernelConfig, s: Study) -> Trained:
    trials = kept_runs.made(config, s, trained.trials(config))
    choices = trained.chosen(config, trials)
    runs = kept_runs.made(config, s, trained.runs(config, choices))
    return trained.trained(config, choices, trials | runs)


def _drawn(config: DesignKernelConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    yield "times", partial(figures.times, config, result.budget, folder)
    yield "rates", partial(figures.rates, config, folder)
    yield "given", partial(figures.given, config, result.samples, folder)
    if result.capture:
        yield "capture", partial(figures.captures, config, result.capture, folder)
    if result.trained:
        yield "trained", partial(figures.trainings, config, result.trained, folder)
