"""`drift ablate-schedule`: bandwidth schedules in the linear theory, against a bound none can beat, and in training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drift_cli.runs.folder import RunFolder
from drift_cli.studies.ablate_schedule import convergence as numbers
from drift_cli.studies.ablate_schedule import optimum, reported, sweeps, theorem62, training
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.ablate_schedule.training import Case, Job, Run
from drift_cli.studies.ablate_schedule.wins import wins
from drift_cli.studies.study import Study, refuse_another, study
from drift_cli.theory.schedule_comparison import Compared
from drift_cli.training import device as devices

_PARTS = 8  # of the theory


@dataclass(frozen=True)
class Result:
    """What was measured; `theorem` and `compared` setting by setting, `runs` where a generator was trained."""

    summary: dict[str, float]
    theorem: theorem62.Measured
    compared: list[Compared]
    runs: list[Run]


def run(config: AblateScheduleConfig, path: Path) -> Result:
    """Measure every part, train every run that is not done yet, write curves, figures, summary and claims."""
    if config.train:
        devices.resolve(config.device)  # a device that is not there is refused before any work
    plan = training.planned(config) if config.train else {}
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = _PARTS + (len(plan) + 1 if plan else 0)
    with (
        RunFolder(path).locked(),
        study("ablate-schedule", config, path, config.seeds[0], parts, resumable=True) as s,
    ):
        s.part("schedules over one sweep")
        sweeps.sweep(config, s)
        s.part("the annealing law, and the equivalent multi-scale drift")
        sweeps.laws(config, s)
        s.part("Theorem 6.2 over its settings")
        theorem = theorem62.over_settings(config, s)
        s.part("how the time grows with K")
        theorem62.growth(config, s)
        s.part("the time-optimal schedule")
        optimum.time_optimal(config, s)
        s.part("the lower bound for every kernel")
        optimum.every_kernel(config, s)
        s.part("who wins where")
        compared = wins(config, s)
        s.part("what a digest reports")
        reported.figure_2(s)
        runs = _trained(config, s, plan) if plan else []
    return Result(s.summary, theorem, compared, runs)


def _trained(config: AblateScheduleConfig, s: Study, plan: dict[Case, Job]) -> list[Run]:
    """The runs in the plan's order, whichever was done first, and what they say."""
    s.part(f"training {len(plan)} runs")
    found: dict[Case, Run] = {}
    for case, trained in training.carried_out(plan, s.path / "runs", config.jobs):
        found[case] = trained
        s.done(f"training: {case.target}, {case.schedule}, seed {case.seed}")
    runs = [found[case] for case in plan]
    numbers.summarise(config, s, runs)
    return runs
