"""Training runs that differ in the bandwidth schedule alone; finished ones are kept in the folder and not repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli.config.objects import Settings, chosen
from drift_cli.errors import RunFailed
from drift_cli.schedules.optimal import OF_KERNELS
from drift_cli.studies import training
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.theory.annealing import SWEEPS
from drift_cli.training import step as steps
from drift_cli.training.evaluation import distance
from drift_cli.training.settings import EvaluationConfig, TrainConfig
from drift_cli.training.setup import assemble


@dataclass(frozen=True)
class ScheduleRun:
    """What one training differs in."""

    target: str
    schedule: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.target}_{self.schedule.replace(', ', '_')}_{self.seed}"


@dataclass(frozen=True)
class Training:
    """A training by its settings, whose SW-2 is followed."""

    settings: TrainConfig

    def asked(self) -> dict[str, Any]:
        return {"train": training.plain(self.settings)}

    def made(self, unfinished: Path) -> dict[str, Any]:
        return _curve(self.settings)


@dataclass(frozen=True)
class Curve:
    """SW-2 of one run at `steps` (of the averaged weights), with the floor of each evaluation."""

    target: str
    schedule: str
    seed: int
    steps: np.ndarray
    sw: np.ndarray
    floor: np.ndarray


def planned(config: AblateScheduleConfig) -> dict[ScheduleRun, Training]:
    """The runs by target, schedule and seed; everything but these three is the same."""
    return {
        ScheduleRun(target, schedule, seed): Training(_settings(config, data, bandwidths, scale, seed))
        for target, data in targets(config).items()
        for schedule, (bandwidths, scale) in schedules(config).items()
        for seed in config.seeds
    }


def targets(config: AblateScheduleConfig) -> dict[str, Settings]:
    """The checkerboard, and a square of narrow Gaussians."""
    places = np.linspace(-1, 1, config.mixture_side).tolist()
    means = [[x, y] for x in places for y in places]
    shape = {"modes": len(means), "dimension": 2, "radius": 1.0}
    mixture = chosen("dataset", "gaussian_mixture", **shape, std=config.mixture_std, means=means, weights=None)
    return {"checkerboard": chosen("dataset", "checkerboard", noise=0.05), "mixture": mixture}


def schedules(config: AblateScheduleConfig) -> dict[str, tuple[Settings, float]]:
    """Each schedule with a factor of kernel.bandwidth: the constants are the two ends of the sweep."""
    sweep: dict[str, Any] = {"floor": config.floor, "steps": config.steps}
    stairs = config.kernel.name if config.kernel.name in OF_KERNELS else "gaussian"
    return {
        "constant, wide": (chosen("schedule", "constant"), 1.0),
        "constant, narrow": (chosen("schedule", "constant"), config.floor),
        **{name: (chosen("schedule", name, **sweep), 1.0) for name in SWEEPS},
        "optimal": (chosen("schedule", "optimal", **sweep, kernel=stairs, dimension=2), 1.0),
    }


def _settings(
    config: AblateScheduleConfig, dataset: Settings, schedule: Settings, scale: float, seed: int
) -> TrainConfig:
    return training.settings(
        dataset=dataset, kernel=replace(config.kernel, **{"bandwidth": scale * config.kernel.bandwidth}),
        drift=config.drift, schedule=schedule, generator=config.generator, optimizer=config.optimizer, ema=config.ema,
        evaluation=EvaluationConfig(**vars(config.evaluation)), batch_size=config.batch_size, steps=config.steps,
        seed=seed, device=config.device,
    )  # fmt: skip


def curve(run: ScheduleRun, kept: Mapping[str, Any]) -> Curve:
    """What a kept run found."""
    columns = [np.array(kept[name], dtype=float) for name in ("steps", "sw", "floor")]
    return Curve(run.target, run.schedule, run.seed, *columns)


def _curve(settings: TrainConfig) -> dict[str, list[float]]:
    """Train once; SW-2 and its floor, every `evaluation.every` steps and at the end."""
    setup = assemble(settings)
    advance, found = steps.build(setup), {"steps": [], "sw": [], "floor": []}  # type: ignore[var-annotated]
    for step in range(1, settings.steps + 1):
        taken = advance(step - 1)
        if step % settings.evaluation.every and step != settings.steps:
            continue
        if not bool(torch.isfinite(taken.loss)):
            raise RunFailed(
                f"At step {step} of schedule {settings.schedule.name} the loss was not finite: lower optimizer.lr."
            )
        measured = distance(setup, settings.evaluation.points, settings.evaluation.draws, "evaluation", step)
        for name, value in (("steps", step), ("sw", measured.value), ("floor", measured.floor)):
            found[name].append(value)
    return found
