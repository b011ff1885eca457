"""Kernels by design: what the spectrum promises, what samples take away, and what a network makes of it."""

from __future__ import annotations

from pathlib import Path

from drift_cli.studies.design_kernel import capture, figures, trained
from drift_cli.studies.design_kernel.budget import budget
from drift_cli.studies.design_kernel.samples import sampled
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.design_kernel.steps import step_sizes
from drift_cli.studies.study import study


def run(config: DesignKernelConfig, path: Path) -> None:
    """Everything, into the run folder `path`; runs that it holds already are not made again."""
    with study("design-kernel", config, path, config.seed, _parts(config), resumable=True) as s:
        s.part("the budget, and the times that it leaves")
        spent = budget(config)
        s.leave(
            spent,
            [
                ("times", lambda: figures.times(config, spent, s.drawings)),
                ("rates", lambda: figures.rates(config, s.drawings)),
            ],
        )
        s.part("explicit steps")
        s.leave(step_sizes(config))
        s.part("samples")
        given = sampled(config)
        s.leave(given, [("given", lambda: figures.given(config, given, s.drawings))])
        if config.capture.distances:
            caught = capture.capture(config, s)
            s.leave(caught, [("capture", lambda: figures.captures(config, caught, s.drawings))])
        if config.trained.targets:
            found = trained.trained(config, s)
            s.leave(found, [("trained", lambda: figures.trainings(config, found, s.drawings))])


def _parts(config: DesignKernelConfig) -> int:
    own = config.trained
    each = len(own.factors) + len(own.seeds)
    trainings = sum(len(trained.methods(config, target)) * each for target in own.targets)
    return 3 + (len(capture.METHODS) if config.capture.distances else 0) + trainings
