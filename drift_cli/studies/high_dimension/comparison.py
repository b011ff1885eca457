"""Results for particles: each method at its chosen bandwidth, how many bandwidths are usable, and which method is
ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift_cli.studies.high_dimension.judging import OUTCOMES
from drift_cli.studies.high_dimension.particles import Flow, ParticleRun
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, automatic, places
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Estimate, Mean, Measured, Numbers, Table, before, columns, finite_mean, interval
from drift_cli.studies.study import Study

Runs = Mapping[ParticleRun, Mapping[str, Any]]
Chosen = dict[str, dict[str, float]]  # the factor of each method, by place


@dataclass(frozen=True)
class Outcome(Measured):
    """One method in one place: means over the seeds at the chosen factor; `good`: how many factors are."""

    factor: float
    tv: Estimate
    found: Mean
    variance: Mean | None
    covariance_error: Mean | None
    energy: Mean | None
    seconds: float
    good: Estimate | None


@dataclass(frozen=True)
class Against(Measured):
    """A rival against the first method, over the places of a range of dimensions, with 95 % intervals over seeds.

    `tv_behind`: by how much its TV is larger, each at its chosen bandwidth. `good_fewer`: by how many fewer of its
    bandwidths are good. `laplace_unannealed` is the fixed Laplace kernel against the annealed one.
    """

    tv_behind: Estimate
    good_fewer: Estimate | None


@dataclass(frozen=True)
class Particles(Measured):
    """By `<placement>_<dimension>.<method>`; rivals by `low.<method>` and `high.<method>`.

    `floor`: what as many points of the target itself come to by place, means over seeds.
    `tv_at_widest`: at the widest bandwidth, on the seed that is for choosing.
    """

    particles: dict[str, Outcome]
    floor: Numbers
    against: dict[str, Against]
    tv_at_widest: dict[str, float] = field(metadata=before("."))
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        names = ("dimension", "placement", "method", "stage", "seed", "factor", *OUTCOMES, "seconds")
        return {"particles": columns(names, self.rows)}


def particles(config: HighDimensionConfig, s: Study) -> Particles:
    """Choose each method's factor on one seed, and compare the methods on others."""
    s.part("bandwidths at which a data point sees a tenth")
    units = {place: automatic(config, place, config.methods) for place in places(config)}

    def finished(plan: Mapping[ParticleRun, Mapping[str, list[float]]]) -> dict[ParticleRun, dict[str, Any]]:
        flows = {run: Flow(config, run.place, run.seed, tried, units[run.place]) for run, tried in plan.items()}
        return finished_runs(config, s, flows)

    every = dict.fromkeys(config.methods, config.factors)
    found = finished({ParticleRun("choosing", place, config.tuning_seed): every for place in places(config)})
    choices = chosen(config, found)
    found |= finished(
        {
            ParticleRun("judging", place, seed): {
                method: config.factors if method in config.whole else [choices[place.name][method]]
                for method in config.methods
            }
            for place in places(config)
            for seed in config.seeds
        }
    )
    s.part("evaluating the particles")
    return comparison(config, choices, found)


def chosen(config: HighDimensionConfig, found: Runs) -> Chosen:
    """The factor with the least `badness` on the seed that is for choosing."""
    choices: Chosen = {}
    for place in places(config):
        outcomes = found[ParticleRun("choosing", place, config.tuning_seed)]["outcomes"]
        choices[place.name] = {method: min(outcomes[method], key=badness)["factor"] for method in config.methods}
    return choices


def badness(outcome: Mapping[str, Any]) -> tuple[float, float]:
    """The TV, and among equals the energy distance; what there is none of is the worst."""
    tv, energy = outcome["tv"], outcome["energy"]
    return (1.0 if tv is None else tv, np.inf if energy is None else energy)


def comparison(config: HighDimensionConfig, choices: Chosen, found: Runs) -> Particles:
    outcomes, floor = {}, {}
    for place in places(config):
        own = [found[ParticleRun("judging", place, seed)] for seed in config.seeds]
        for method in config.methods:
            outcomes[f"{place.name}.{method}"] = _outcome(config, choices, place, method, found)
        for outcome in OUTCOMES:
            floor[f"floor.{place.name}.{outcome}"] = float(np.mean([each["floors"][outcome] for each in own]))
    rows = [
        (case.place.dimension, case.place.placement, method, case.stage, case.seed, each["factor"],
         *(each[name] for name in OUTCOMES), each["seconds"])
        for case, run in found.items() for method, tried in run["outcomes"].items() for each in tried
    ]  # fmt: skip
    return Particles(
        outcomes, Numbers(floor), dict(_against(config, choices, found)), dict(_widest(config, found)), rows
    )


def _outcome(config: HighDimensionConfig, choices: Chosen, place: Place, method: str, found: Runs) -> Outcome:
    factor = choices[place.name][method]
    own = [_at_factor(found[ParticleRun("judging", place, seed)], method, factor) for seed in config.seeds]
    return Outcome(
        factor,
        interval([each["tv"] for each in own]),
        Mean([each["found"] for each in own]),
        finite_mean([each["variance"] for each in own]),
        finite_mean([each["covariance_error"] for each in own]),
        finite_mean([each["energy"] for each in own]),
        float(np.mean([each["seconds"] for each in own])),
        interval([_good(config, place, method, seed, found) for seed in config.seeds])
        if method in config.whole
        else None,
    )


def _at_factor(run: Mapping[str, Any], method: str, factor: float) -> Mapping[str, Any]:
    return next(each for each in run["outcomes"][method] if each["factor"] == factor)


def _good(config: HighDimensionConfig, place: Place, method: str, seed: int, found: Runs) -> float:
    tried = found[ParticleRun("judging", place, seed)]["outcomes"][method]
    return float(sum(each["tv"] < config.good for each in tried))


def _against(config: HighDimensionConfig, choices: Chosen, found: Runs) -> Iterator[tuple[str, Against]]:
    first, *rivals = config.methods
    pairs = [(first, rival, rival) for rival in rivals]
    if {"laplace_annealed", "laplace"} <= set(config.methods) - {first}:
        pairs.append(("laplace_annealed", "laplace", "laplace_unannealed"))
    for span, own in spans(config).items():
        for method, rival, name in pairs:
            behind = [
                _mean_tv(choices, own, rival, seed, found) - _mean_tv(choices, own, method, seed, found)
                for seed in config.seeds
            ]
            fewer = [
                _mean_good(config, own, method, seed, found) - _mean_good(config, own, rival, seed, found)
                for seed in config.seeds
                if {method, rival} <= set(config.whole)
            ]
            yield f"{span}.{name}", Against(interval(behind), interval(fewer) if fewer else None)


def _mean_tv(choices: Chosen, own: list[Place], method: str, seed: int, found: Runs) -> float:
    runs = {place: found[ParticleRun("judging", place, seed)] for place in own}
    return float(np.mean([_at_factor(runs[place], method, choices[place.name][method])["tv"] for place in own]))


def _mean_good(config: HighDimensionConfig, own: list[Place], method: str, seed: int, found: Runs) -> float:
    return float(np.mean([_good(config, place, method, seed, found) for place in own]))


def _widest(config: HighDimensionConfig, found: Runs) -> Iterator[tuple[str, float]]:
    """TV of each method at the widest bandwidth, mean over the places of a range and over what was tried there."""
    for span, own in spans(config).items():
        for method in config.methods:
            runs = [found[ParticleRun("choosing", place, config.tuning_seed)] for place in own]
            yield (
                f"{span}.{method}",
                float(np.mean([_at_factor(run, method, config.factors[-1])["tv"] for run in runs])),
            )


def spans(config: HighDimensionConfig) -> dict[str, list[Place]]:
    """The places in low and in high dimensions, where there are any."""
    every = places(config)
    found = {
        "low": [place for place in every if place.dimension < config.high],
        "high": [place for place in every if place.dimension >= config.high],
    }
    return {span: own for span, own in found.items() if own}
