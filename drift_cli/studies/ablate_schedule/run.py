"""`drift ablate-schedule`: bandwidth schedules in the linear theory, against a bound none can beat, and in training."""

from __future__ import annotations

from pathlib import Path

from drift_cli.studies.ablate_schedule import figures, kernels, optimum, reported, sweeps, theorem62, wins
from drift_cli.studies.ablate_schedule.convergence import convergence
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.ablate_schedule.training import ScheduleRun, curve, planned
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.study import study
from drift_cli.theory.schedule_comparison import CONTESTANTS
from drift_cli.training import device as devices

_PARTS = 8  # of the theory


def run(config: AblateScheduleConfig, path: Path) -> None:
    """Measure every part, train every run that is not done yet, write curves, figures, summary and claims."""
    if config.train:
        devices.resolve(config.device)  # a device that is not there is refused before any work
    plan = planned(config) if config.train else {}
    parts = _PARTS + (len(plan) + 1 if plan else 0)
    with study("ablate-schedule", config, path, config.seeds[0], parts, resumable=True) as s:
        s.part("schedules over one sweep")
        over_sweep = sweeps.sweeps(config)
        s.leave(over_sweep, [("sweeps", lambda: figures.sweeps(config, over_sweep, s.drawings))])
        s.part("the annealing law, and the equivalent multi-scale drift")
        s.leave(kernels.law(config))
        s.leave(sweeps.order(config))
        s.part("Theorem 6.2 over its settings")
        s.leave(theorem62.over_settings(config))
        ratios = theorem62.over_rates_and_widths(config)
        s.leave(ratios, [("theorem", lambda: figures.theorem(config, ratios, s.drawings))])
        s.part("how the time grows with K")
        if growth := theorem62.growth(config):
            s.leave(growth)
        s.part("the time-optimal schedule")
        optimal = optimum.optimum(config)
        s.leave(optimal, [("optimum", lambda: figures.optimum(config, optimal, s.drawings))])
        s.part("the lower bound for every kernel")
        s.leave(kernels.lower_bound(config))
        s.part("which schedule wins where")
        won = wins.wins(config)
        s.leave(
            won,
            [
                ("winners", lambda: figures.winners(won.compared, wins.FAMILIES, "winners", s.drawings)),
                ("winners_of_all", lambda: figures.winners(won.compared, CONTESTANTS, "winners_of_all", s.drawings)),
            ],
        )
        s.part("comparison with the digest")
        s.leave(reported.figure_2())
        if plan:
            s.part(f"training {len(plan)} runs")
            found = finished_runs(config, s, plan, _told, config.device)
            trained = convergence(config, [curve(run, kept) for run, kept in found.items()])
            s.leave(trained, [("training", lambda: figures.training(config, trained, s.drawings))])


def _told(run: ScheduleRun) -> str:
    return f"training: {run.target}, {run.schedule}, seed {run.seed}"
