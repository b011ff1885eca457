"""Results of the training runs for each schedule: SW-2 at the end, and how soon it was low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule import training
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.ablate_schedule.training import Curve
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.studies.training import first_within


@dataclass(frozen=True)
class Convergence(Measured):
    """By target and schedule, `mixture.linear`, over the seeds: SW-2 at the end, mean and deviation, and its floor.

    The share of the seeds that came down to twice the floor, and where all did the steps that it took.
    """

    sw: dict[str, float]
    sw_sd: dict[str, float]
    sw_floor: dict[str, float]  # by target
    reached_2_floor: dict[str, float]
    steps_to_2_floor: dict[str, float]
    steps_to_2_floor_sd: dict[str, float]
    runs: list[Curve]
    factors: dict[str, np.ndarray]  # by schedule: kernel.bandwidth times these, from step 0 on

    def tables(self) -> dict[str, Table]:
        rows = [
            (run.target, run.schedule, run.seed, *row)
            for run in self.runs
            for row in zip(run.steps, run.sw, run.floor, strict=True)
        ]
        steps = np.arange(len(next(iter(self.factors.values()))))
        return {
            "training": columns(("target", "schedule", "seed", "step", "sw", "floor"), rows),
            "training_bandwidths": {"step": steps, **self.factors},
        }


def convergence(config: AblateScheduleConfig, runs: list[Curve]) -> Convergence:
    """Of every schedule, from the runs in the plan's order."""
    same: dict[str, list[Curve]] = {}
    for run in runs:
        same.setdefault(f"{run.target}.{run.schedule.replace(', ', '_')}", []).append(run)
    last = {key: [run.sw[-1] for run in each] for key, each in same.items()}
    reached = {key: [_steps_to(run, 2.0) for run in each] for key, each in same.items()}
    steps_to = {key: [step for step in each if step is not None] for key, each in reached.items() if None not in each}
    return Convergence(
        sw={key: float(np.mean(each)) for key, each in last.items()},
        sw_sd={key: float(np.std(each, ddof=1)) for key, each in last.items()},
        sw_floor={
            target: float(np.mean([run.floor.mean() for run in runs if run.target == target]))
            for target in dict.fromkeys(run.target for run in runs)
        },
        reached_2_floor={key: float(np.mean([step is not None for step in each])) for key, each in reached.items()},
        steps_to_2_floor={key: float(np.mean(steps)) for key, steps in steps_to.items()},
        steps_to_2_floor_sd={key: float(np.std(steps, ddof=1)) for key, steps in steps_to.items()},
        runs=runs,
        factors={
            name: scale * np.array([schedule(step) for step in range(config.steps + 1)])
            for name, (settings, scale) in training.schedules(config).items()
            for schedule in [settings.made()]
        },
    )


def _steps_to(run: Curve, multiple: float) -> float | None:
    """The first step at which SW-2 is at most `multiple` times the run's mean floor; None where there is none."""
    at = first_within(run.sw, multiple * run.floor.mean())
    return None if at is None else float(run.steps[at])
