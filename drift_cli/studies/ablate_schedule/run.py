"""`drift ablate-schedule`: bandwidth schedules in the linear theory, against a bound none can beat, and in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drift_cli.figures.attempts import Drawing
from drift_cli.studies.ablate_schedule import convergence, figures, kernels, optimum, reported, sweeps, theorem62, wins
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.ablate_schedule.training import Case, Job, Run, carried_out, planned
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import Study, refuse_another, study
from drift_cli.theory.schedule_comparison import CONTESTANTS
from drift_cli.training import device as devices

_PARTS = 8  # of the theory


@dataclass(frozen=True)
class Result(Measured):
    over_sweep: sweeps.Sweeps
    law: kernels.Law
    order: sweeps.Order
    theorem: theorem62.OverSettings
    map: theorem62.Map
    growth: theorem62.Growth | None
    optimal: optimum.Optimum
    lower_bound: kernels.LowerBound
    won: wins.Wins
    digest: dict[str, reported.Figure2]
    trained: convergence.Convergence | None


def run(config: AblateScheduleConfig, path: Path) -> Result:
    """Measure every part, train every run that is not done yet, write curves, figures, summary and claims."""
    if config.train:
        devices.resolve(config.device)  # a device that is not there is refused before any work
    plan = planned(config) if config.train else {}
    config.executor.check_installed()
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = _PARTS + (len(plan) + 1 if plan else 0)
    with study("ablate-schedule", config, path, config.seeds[0], parts, resumable=True) as s:
        s.part("schedules over one sweep")
        over_sweep = sweeps.sweeps(config)
        s.part("the annealing law, and the equivalent multi-scale drift")
        law, order = kernels.law(config), sweeps.order(config)
        s.part("Theorem 6.2 over its settings")
        theorem, its_map = theorem62.over_settings(config), theorem62.over_rates_and_widths(config)
        s.part("how the time grows with K")
        growth = theorem62.growth(config)
        s.part("the time-optimal schedule")
        optimal = optimum.optimum(config)
        s.part("the lower bound for every kernel")
        bound = kernels.lower_bound(config)
        s.part("which schedule wins where")
        won = wins.wins(config)
        s.part("comparison with the digest")
        digest = {"reported.fig2": reported.figure_2()}
        trained = convergence.convergence(config, _runs(config, s, plan)) if plan else None
        result = Result(over_sweep, law, order, theorem, its_map, growth, optimal, bound, won, digest, trained)
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _runs(config: AblateScheduleConfig, s: Study, plan: dict[Case, Job]) -> list[Run]:
    """The runs in the plan's order, whichever was done first."""
    s.part(f"training {len(plan)} runs")
    found: dict[Case, Run] = {}
    for case, trained in carried_out(plan, s.path / "runs", config.jobs, config.executor):
        found[case] = trained
        s.done(f"training: {case.target}, {case.schedule}, seed {case.seed}")
    return [found[case] for case in plan]


def _drawn(config: AblateScheduleConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    yield "sweeps", lambda: figures.sweeps(config, result.over_sweep, folder)
    yield "theorem", lambda: figures.theorem(config, result.map, folder)
    yield "optimum", lambda: figures.optimum(config, result.optimal, folder)
    yield "winners", lambda: figures.winners(result.won.compared, wins.FAMILIES, "winners", folder)
    yield "winners_of_all", lambda: figures.winners(result.won.compared, CONTESTANTS, "winners_of_all", folder)
    if (trained := result.trained) is not None:
        yield "training", lambda: figures.training(config, trained, folder)
