"""A network in place of the particles: short and long training, from collapsed samples and from spread ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drift_cli.studies import training
from drift_cli.studies.high_dimension.comparison import best
from drift_cli.studies.high_dimension.from_spread import FromSpread
from drift_cli.studies.high_dimension.judging import OUTCOMES, floors, judged
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place
from drift_cli.studies.numbers import Estimate, Mean, Measured, Table, columns, interval
from drift_cli.training.settings import EvaluationConfig

SPREADS = {"collapsed": 0.05, "spread": 1.0}  # of the samples at the start, over the target's
BUDGETS = ("short", "long")


@dataclass(frozen=True)
class Case:
    """What one run differs in."""

    method: str
    start: str
    budget: str
    factor: float
    seed: int

    @property
    def name(self) -> str:
        return "_".join(map(str, ("network", self.method, self.start, self.budget, f"{self.factor:g}", self.seed)))


@dataclass(frozen=True)
class Trained(FromSpread):
    """What its samples come to."""

    def made(self, unfinished: object) -> dict[str, Any]:
        end = self.end()
        return {**judged(end.x, end.mixture, end.reference), "seconds": end.seconds}


def place(config: HighDimensionConfig) -> Place:
    return Place.everywhere(config.network.dimension)


def trials(config: HighDimensionConfig, units: Mapping[str, float]) -> dict[Case, Trained]:
    """Every factor on the seed that is for choosing, with the short budget."""
    own = config.network
    return {
        case: _job(config, case, units)
        for case in itertools.starmap(
            Case, itertools.product(own.methods, own.starts, ["short"], own.factors, [config.tuning_seed])
        )
    }


def chosen(config: HighDimensionConfig, found: Mapping[Case, Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """The factor of each method from each start."""
    own = config.network

    def outcome(method: str, start: str, factor: float) -> Mapping[str, Any]:
        return found[Case(method, start, "short", factor, config.tuning_seed)]

    return {
        (method, start): best([{"factor": factor, **outcome(method, start, factor)} for factor in own.factors])
        for method in own.methods
        for start in own.starts
    }


def runs(
    config: HighDimensionConfig, choices: Mapping[tuple[str, str], float], units: Mapping[str, float]
) -> dict[Case, Trained]:
    """The chosen factor on the seeds that are for judging, with both budgets."""
    own = config.network
    found = (
        Case(method, start, budget, choices[method, start], seed)
        for budget, start, method, seed in itertools.product(BUDGETS, own.starts, own.methods, own.seeds)
    )
    return {case: _job(config, case, units) for case in found}


def _job(config: HighDimensionConfig, case: Case, units: Mapping[str, float]) -> Trained:
    own, kind = config.network, METHODS[case.method]
    number = own.short if case.budget == "short" else own.long
    method = kind.at(case.factor * units[kind.kernel], replace(config, self_term=own.self_term), number)
    return Trained(
        training.settings(
            dataset=place(config).dataset(config, case.seed),
            kernel=method.kernel,
            drift=method.drift,
            schedule=method.schedule,
            generator=config.generator,
            optimizer=config.optimizer,
            evaluation=EvaluationConfig(every=number, points=1, projections=1, draws=1),
            batch_size=own.batch_size,
            steps=number,
            seed=case.seed,
        ),
        SPREADS[case.start],
        own.samples,
    )


@dataclass(frozen=True)
class Ended(Measured):
    """One method from one start with one budget: means over the seeds, at the factor that was chosen."""

    factor: float
    tv: Estimate
    found: Mean
    variance: Mean | None
    energy: Mean | None
    seconds: float


@dataclass(frozen=True)
class Behind(Measured):
    """By how much a rival's TV is larger than that of the first method, with its 95 % interval over seeds."""

    tv_behind: Estimate


@dataclass(frozen=True)
class Floor(Measured):
    """What as many points of the target come to."""

    tv: float
    energy: float


@dataclass(frozen=True)
class Network(Measured):
    """By `network.<start>.<budget>.<method>`."""

    ended: dict[str, Ended]
    behind: dict[str, Behind]
    floor: dict[str, Floor]
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        names = ("method", "start", "budget", "factor", "seed", *OUTCOMES, "seconds")
        return {"network": columns(names, self.rows)}


def network(
    config: HighDimensionConfig,
    choices: Mapping[tuple[str, str], float],
    found: Mapping[Case, Mapping[str, Any]],
) -> Network:
    """What the runs came to; `found` holds the trials as well."""
    own = config.network
    ended, behind = {}, {}
    for start, budget in itertools.product(own.starts, BUDGETS):
        tv: dict[str, np.ndarray] = {}
        for method in own.methods:
            factor = choices[method, start]
            each = [found[Case(method, start, budget, factor, seed)] for seed in own.seeds]
            tv[method] = np.array([run["tv"] for run in each])
            ended[f"network.{start}.{budget}.{method}"] = Ended(
                factor,
                interval(tv[method].tolist()),
                Mean([run["found"] for run in each]),
                _mean([run["variance"] for run in each]),
                _mean([run["energy"] for run in each]),
                float(np.mean([run["seconds"] for run in each])),
            )
        first, *rivals = own.methods
        for rival in rivals:
            difference = interval((tv[rival] - tv[first]).tolist())
            behind[f"network.{start}.{budget}.{rival}"] = Behind(difference)
    mixture = place(config).dataset(config, own.seeds[0]).made()
    floor = floors(mixture, own.samples, own.seeds[0])
    return Network(ended, behind, {"network.floor": Floor(floor["tv"], floor["energy"])}, list(_rows(found)))


def _mean(values: list[float | None]) -> Mean | None:
    known = [value for value in values if value is not None]
    return Mean(known) if len(known) == len(values) else None


def _rows(found: Mapping[Case, Mapping[str, Any]]) -> Iterator[tuple]:
    for case, run in found.items():
        outcomes = (run[name] for name in OUTCOMES)
        yield (case.method, case.start, case.budget, case.factor, case.seed, *outcomes, run["seconds"])
