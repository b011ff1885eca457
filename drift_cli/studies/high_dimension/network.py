"""A network in place of the particles: short and long training, from collapsed samples and from spread ones."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from drift_cli.studies import training, tuning
from drift_cli.studies.high_dimension.comparison import badness
from drift_cli.studies.high_dimension.from_spread import FromSpread
from drift_cli.studies.high_dimension.judging import OUTCOMES, floors, judged
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, automatic
from drift_cli.studies.numbers import Estimate, Mean, Measured, Numbers, Table, before, columns, finite_mean, interval
from drift_cli.studies.study import Study

SPREADS = {"collapsed": 0.05, "spread": 1.0}  # of the samples at the start, over the target's
BUDGETS = ("short", "long")
_COLUMNS = (*OUTCOMES, "seconds")  # of the table


@dataclass(frozen=True)
class NetworkRun:
    """What one training differs in."""

    method: str
    start: str
    budget: str
    factor: float
    seed: int

    @property
    def name(self) -> str:
        return f"network_{self.method}_{self.start}_{self.budget}_{self.factor:g}_{self.seed}"


@dataclass(frozen=True)
class Trained(FromSpread):
    """What its samples come to."""

    def made(self, unfinished: object) -> dict[str, Any]:
        end = self.end()
        return {**judged(end.x, end.mixture, end.reference), "seconds": end.seconds}


def place(config: HighDimensionConfig) -> Place:
    return Place.everywhere(config.network.dimension)


def tuned(config: HighDimensionConfig, s: Study) -> tuning.Tuned[tuple[str, str], NetworkRun]:
    """The factors are chosen with the short budget and judged with both."""
    own = config.network
    return tuning.tuned(
        config,
        s,
        {
            (method, start): {f: NetworkRun(method, start, "short", f, config.tuning_seed) for f in own.factors}
            for method, start in itertools.product(own.methods, own.starts)
        },
        lambda factors: (
            NetworkRun(method, start, budget, factors[method, start], seed)
            for budget, start, method, seed in itertools.product(BUDGETS, own.starts, own.methods, own.seeds)
        ),
        partial(job, config, automatic(config, place(config), own.methods)),
        badness,
    )


def job(config: HighDimensionConfig, units: Mapping[str, float], run: NetworkRun) -> Trained:
    """`units`: the automatic bandwidth of each kernel."""
    own, kind = config.network, METHODS[run.method]
    number = own.short if run.budget == "short" else own.long
    method = kind.at(run.factor * units[kind.kernel], replace(config, self_term=own.self_term), number)
    return Trained(
        training.settings(
            dataset=place(config).dataset(config, run.seed),
            kernel=method.kernel,
            drift=method.drift,
            schedule=method.schedule,
            generator=config.generator,
            optimizer=config.optimizer,
            batch_size=own.batch_size,
            steps=number,
            seed=run.seed,
        ),
        SPREADS[run.start],
        own.samples,
    )


@dataclass(frozen=True)
class OfNetwork(Measured):
    """One method from one start with one budget: means over the seeds, at the factor that was chosen."""

    factor: float
    tv: Estimate
    found: Mean
    variance: Mean | None
    energy: Mean | None
    seconds: float


@dataclass(frozen=True)
class Network(Measured):
    """By `network.<start>.<budget>.<method>`; `floor`: what as many points of the target come to.

    `tv_behind`: by how much a rival's TV is larger than that of the first method, with its 95 % interval over seeds.
    """

    ended: dict[str, OfNetwork]
    tv_behind: dict[str, Estimate] = field(metadata=before("."))
    floor: Numbers
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        return {"network": columns(("method", "start", "budget", "factor", "seed", *_COLUMNS), self.rows)}


def network(config: HighDimensionConfig, s: Study) -> Network:
    """Every method from every start, with both budgets."""
    own, tuning = config.network, tuned(config, s)
    ended, behind = {}, {}
    for start, budget in itertools.product(own.starts, BUDGETS):
        tv: dict[str, np.ndarray] = {}
        for method in own.methods:
            factor = tuning.factors[method, start]
            each = [tuning.found[NetworkRun(method, start, budget, factor, seed)] for seed in own.seeds]
            tv[method] = np.array([run["tv"] for run in each])
            ended[f"network.{start}.{budget}.{method}"] = OfNetwork(
                factor,
                interval(tv[method].tolist()),
                Mean([run["found"] for run in each]),
                finite_mean([run["variance"] for run in each]),
                finite_mean([run["energy"] for run in each]),
                float(np.mean([run["seconds"] for run in each])),
            )
        first, *rivals = own.methods
        for rival in rivals:
            behind[f"network.{start}.{budget}.{rival}"] = interval((tv[rival] - tv[first]).tolist())
    floor = floors(place(config).dataset(config, own.seeds[0]).made(), own.samples, own.seeds[0])
    kept = Numbers({f"network.floor.{outcome}": floor[outcome] for outcome in ("tv", "energy")})
    rows = [(*vars(run).values(), *(each[name] for name in _COLUMNS)) for run, each in tuning.found.items()]
    return Network(ended, behind, kept, rows)
