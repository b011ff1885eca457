"""Kernels by design: what the spectrum promises, and what samples take away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drift_cli.figures.attempts import Drawing
from drift_cli.studies.design_kernel import figures
from drift_cli.studies.design_kernel.budget import Budget, budget
from drift_cli.studies.design_kernel.samples import Sampled, sampled
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.design_kernel.steps import StepSizes, step_sizes
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import study


@dataclass(frozen=True)
class Result(Measured):
    budget: Budget
    steps: StepSizes
    samples: Sampled


def run(config: DesignKernelConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    with study("design-kernel", config, path, config.seed, parts=3) as s:
        s.part("the budget, and the times that it leaves")
        spent = budget(config)
        s.part("explicit steps")
        steps = step_sizes(config)
        s.part("samples")
        result = Result(spent, steps, sampled(config))
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _drawn(config: DesignKernelConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    yield "times", partial(figures.times, config, result.budget, folder)
    yield "rates", partial(figures.rates, config, folder)
    yield "given", partial(figures.given, config, result.samples, folder)
