"""What the training runs of `drift ablate-schedule` say of each schedule: SW-2 at the end, and how soon it was low."""

from __future__ import annotations

import numpy as np

from drift_cli.studies.ablate_schedule import figures, training
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.ablate_schedule.training import Run
from drift_cli.studies.study import Study


def summarise(config: AblateScheduleConfig, s: Study, runs: list[Run]) -> None:
    """SW-2 over the steps as mean ± sd over seeds, and the steps to twice the floor."""
    columns: list[tuple] = []
    for target, schedule in dict.fromkeys((run.target, run.schedule) for run in runs):
        same = [run for run in runs if (run.target, run.schedule) == (target, schedule)]
        key = f"{target}.{schedule.replace(', ', '_')}"
        last = np.array([run.sw[-1] for run in same])
        s.summary[f"sw.{key}"], s.summary[f"sw_sd.{key}"] = float(last.mean()), float(last.std(ddof=1))
        s.summary[f"sw_floor.{target}"] = float(np.mean([run.floor.mean() for run in runs if run.target == target]))
        _to_twice_the_floor(s, key, same)
        for run in same:
            columns += [(target, schedule, run.seed, *row) for row in zip(run.steps, run.sw, run.floor, strict=True)]
    s.rows("training", ("target", "schedule", "seed", "step", "sw", "floor"), columns)
    factors = _factors(config)
    s.curves("training_bandwidths", {"step": np.arange(config.steps + 1), **factors})
    s.figures.append(figures.training(runs, factors, config.kernel.bandwidth, s.path / "figures"))


def _to_twice_the_floor(s: Study, key: str, same: list[Run]) -> None:
    """The share of the seeds that came there, and the steps that it took where all did."""
    reached = np.array([steps_to(run, 2.0) for run in same])
    s.summary[f"reached_2_floor.{key}"] = float(np.isfinite(reached).mean())
    if np.isfinite(reached).all():
        s.summary[f"steps_to_2_floor.{key}"] = float(reached.mean())
        s.summary[f"steps_to_2_floor_sd.{key}"] = float(reached.std(ddof=1))


def steps_to(run: Run, multiple: float) -> float:
    """The first step at which SW-2 is at most `multiple` times the run's mean floor; infinite if none."""
    below = np.flatnonzero(run.sw <= multiple * run.floor.mean())
    return float(run.steps[below[0]]) if len(below) else np.inf


def _factors(config: AblateScheduleConfig) -> dict[str, np.ndarray]:
    """kernel.bandwidth times these is what each schedule trained with."""
    steps = range(config.steps + 1)
    found: dict[str, np.ndarray] = {}
    for name, (settings, scale) in training.schedules(config).items():
        schedule = settings.made()
        found[name] = scale * np.array([schedule(step) for step in steps])
    return found
