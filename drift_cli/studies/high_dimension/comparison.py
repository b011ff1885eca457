"""Results for particles: each method at its chosen bandwidth, how many bandwidths are usable, and which method is
ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drift_cli.studies.high_dimension.judging import OUTCOMES
from drift_cli.studies.high_dimension.particles import Case
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, places
from drift_cli.studies.numbers import Estimate, Mean, Measured, Table, before, columns, interval

Runs = Mapping[Case, Mapping[str, Any]]
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
class Floors(Measured):
    """What as many points of the target itself come to, mean over seeds."""

    tv: float
    found: float
    variance: float
    covariance_error: float
    energy: float


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
    """By `<placement>_<dimension>.<method>`; floors by place; rivals by `low.<method>` and `high.<method>`.

    `tv_at_widest`: at the widest bandwidth, on the seed that is for choosing.
    """

    particles: dict[str, Outcome]
    floor: dict[str, Floors]
    against: dict[str, Against]
    tv_at_widest: dict[str, float] = field(metadata=before("."))
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        names = ("dimension", "placement", "method", "stage", "seed", "factor", *OUTCOMES, "seconds")
        return {"particles": columns(names, self.rows)}


def chosen(config: HighDimensionConfig, found: Runs) -> Chosen:
    """The factor with the least TV on the seed that is for choosing, the least energy distance among equals."""
    choices: Chosen = {}
    for place in places(config):
        outcomes = found[Case("choosing", place, config.tuning_seed)]["outcomes"]
        choices[place.name] = {method: best(outcomes[method]) for method in config.methods}
    return choices


def best(tried: Sequence[Mapping[str, Any]]) -> float:
    """The factor of the best of these outcomes."""
    return min(tried, key=_worse)["factor"]


def _worse(outcome: Mapping[str, float | None]) -> tuple[float, float]:
    tv, energy = outcome["tv"], outcome["energy"]
    return (1.0 if tv is None else tv, np.inf if energy is None else energy)


def comparison(config: HighDimensionConfig, choices: Chosen, found: Runs) -> Particles:
    outcomes, floor = {}, {}
    for place in places(config):
        own = [found[Case("judging", place, seed)] for seed in config.seeds]
        for method in config.methods:
            outcomes[f"{place.name}.{method}"] = _outcome(config, choices, place, method, found)
        floor[f"floor.{place.name}"] = Floors(**{
            name: float(np.mean([each["floors"][name] for each in own])) for name in OUTCOMES
        })  # fmt: skip
    rows = [
        (case.place.dimension, case.place.placement, method, case.stage, case.seed, each["factor"],
         *(each[name] for name in OUTCOMES), each["seconds"])
        for case, run in found.items() for method, tried in run["outcomes"].items() for each in tried
    ]  # fmt: skip
    return Particles(outcomes, floor, dict(_against(config, choices, found)), dict(_widest(config, found)), rows)


def _outcome(config: HighDimensionConfig, choices: Chosen, place: Place, method: str, found: Runs) -> Outcome:
    factor = choices[place.name][method]
    own = [_at_factor(found[Case("judging", place, seed)], method, factor) for seed in config.seeds]

    def mean(name: str) -> Mean | None:
        values = [each[name] for each in own]
        return None if None in values else Mean(values)

    return Outcome(
        factor,
        interval([each["tv"] for each in own]),
        Mean([each["found"] for each in own]),
        mean("variance"),
        mean("covariance_error"),
        mean("energy"),
        float(np.mean([each["seconds"] for each in own])),
        interval([_good(config, place, method, seed, found) for seed in config.seeds])
        if method in config.whole
        else None,
    )


def _at_factor(run: Mapping[str, Any], method: str, factor: float) -> Mapping[str, Any]:
    return next(each for each in run["outcomes"][method] if each["factor"] == factor)


def _good(config: HighDimensionConfig, place: Place, method: str, seed: int, found: Runs) -> float:
    tried = found[Case("judging", place, seed)]["outcomes"][method]
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
    runs = {place: found[Case("judging", place, seed)] for place in own}
    return float(np.mean([_at_factor(runs[place], method, choices[place.name][method])["tv"] for place in own]))


def _mean_good(config: HighDimensionConfig, own: list[Place], method: str, seed: int, found: Runs) -> float:
    return float(np.mean([_good(config, place, method, seed, found) for place in own]))


def _widest(config: HighDimensionConfig, found: Runs) -> Iterator[tuple[str, float]]:
    """TV of each method at the widest bandwidth, mean over the places of a range and over what was tried there."""
    for span, own in spans(config).items():
        for method in config.methods:
            runs = [found[Case("choosing", place, config.tuning_seed)] for place in own]
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
