"""`drift high-dimension`: annealing against its rivals as the dimension grows, at equal cost and equal tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drift_cli.studies import kept_runs
from drift_cli.studies.high_dimension import comparison, figures
from drift_cli.studies.high_dimension.comparison import Particles
from drift_cli.studies.high_dimension.particles import Case, Flow
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import automatic, places
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import Study, refuse_another, study


@dataclass(frozen=True)
class Result(Measured):
    particles: Particles


def run(config: HighDimensionConfig, path: Path) -> Result:
    """Choose the bandwidths, make every run that is not made yet, and write tables, figures, summary and claims."""
    config.executor.check_installed()
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    parts = len(places(config)) * (len(config.seeds) + 1) + 2
    with study("high-dimension", config, path, config.seeds[0], parts, resumable=True) as s:
        particles = _particles(config, s)
        drawing = "against_dimension", lambda: figures.against_dimension(config, particles, s.drawings)
        s.leave(Result(particles), [drawing])
    return Result(particles)


def _particles(config: HighDimensionConfig, s: Study) -> Particles:
    s.part("bandwidths at which a data point sees a tenth")
    units = {place: automatic(config, place) for place in places(config)}
    every = dict.fromkeys(config.methods, config.factors)
    trials: dict[Case, kept_runs.Job] = {
        Case("choosing", place, config.tuning_seed): Flow(config, place, config.tuning_seed, every, units[place])
        for place in places(config)
    }
    found = _made(config, s, trials)
    choices = comparison.chosen(config, found)
    found |= _made(
        config,
        s,
        {
            Case("judging", place, seed): Flow(config, place, seed, _tried(config, choices[place.name]), units[place])
            for place in places(config)
            for seed in config.seeds
        },
    )
    s.part("what the particles say")
    return comparison.comparison(config, choices, found)


def _tried(config: HighDimensionConfig, choices: Mapping[str, float]) -> dict[str, list[float]]:
    """The factors of each method on a seed that is for judging."""
    return {method: config.factors if method in config.whole else [choices[method]] for method in config.methods}


def _made(config: HighDimensionConfig, s: Study, jobs: Mapping[Case, kept_runs.Job]) -> dict[Case, dict[str, Any]]:
    """The runs in the order of the jobs, whichever was done first."""
    found = {}
    for case, kept in kept_runs.each(jobs, s.path / "runs", config.executor.at_once(config.jobs), config.executor):
        found[case] = kept
        s.part(f"particles, {case.stage}: {case.place.name}, seed {case.seed}")
    return {case: found[case] for case in jobs}
