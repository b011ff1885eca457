"""Where the official form of Deng et al. collapses, and which part of it is the cause: a network from narrow starts.

The form is a joint softmax over data and samples at three bandwidths, each drift over its root mean square. Where the
samples coincide the softmax gives the negatives all the weight: what pushes samples apart is multiplied by the weight
of the data, which is next to none, and the division by the root mean square brings back the pull that all samples have
in common, not what tells them apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from drift_cli.config.objects import Settings, chosen, with_defaults
from drift_cli.data import target_of
from drift_cli.metrics.modes import total_variation
from drift_cli.studies import training
from drift_cli.studies.high_dimension.from_spread import FromSpread
from drift_cli.studies.high_dimension.methods import SCALES
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place
from drift_cli.studies.numbers import Estimate, Measured, interval
from drift_cli.training.bandwidth import found_on
from drift_cli.training.settings import EvaluationConfig, TrainConfig

FORMS = {  # at the same three bandwidths
    "official": ("batch_normalized", "rms"),
    "joint_softmax": ("batch_normalized", "none"),
    "rms": ("mean_shift", "rms"),
    "mean_shifts": ("mean_shift", "none"),
}


@dataclass(frozen=True)
class Case:
    """What one run differs in; `spread` is that of the samples at the start, over the target's."""

    dimension: int
    spread: float
    form: str
    seed: int

    @property
    def name(self) -> str:
        return f"collapse_{self.dimension}_{self.spread:g}_{self.form}_{self.seed}"


@dataclass(frozen=True)
class Narrow(FromSpread):
    """What is left of its spread."""

    def made(self, unfinished: object) -> dict[str, Any]:
        end = self.end()
        return {"spread": float(_radius(end.x) / _radius(end.reference)), "tv": total_variation(end.x, end.mixture)}


def _radius(x: Tensor) -> Tensor:
    return (x - x.mean(dim=0)).square().sum(dim=1).mean().sqrt()


@dataclass(frozen=True)
class Ended(Measured):
    """Spread of the samples over the target's, and TV of the mode shares. 95 % intervals over seeds."""

    spread: Estimate
    tv: Estimate


@dataclass(frozen=True)
class Collapse(Measured):
    """By `collapse.<dimension>.<spread at the start>.<form>`."""

    ended: dict[str, Ended]

    def at(self, dimension: int, spread: float, form: str) -> Ended:
        return self.ended[f"collapse.{dimension}.{spread:g}.{form}"]


def jobs(config: HighDimensionConfig) -> dict[Case, Narrow]:
    own = config.collapse
    bandwidths = {dimension: _bandwidth(config, dimension) for dimension in own.dimensions}
    return {
        case: Narrow(_settings(config, case, bandwidths[case.dimension]), case.spread, config.network.samples)
        for case in itertools.starmap(Case, itertools.product(own.dimensions, own.spreads, FORMS, own.seeds))
    }


def collapse(config: HighDimensionConfig, found: Mapping[Case, Mapping[str, Any]]) -> Collapse:
    own, ended = config.collapse, {}
    for dimension, spread, form in itertools.product(own.dimensions, own.spreads, FORMS):
        runs = [found[Case(dimension, spread, form, seed)] for seed in own.seeds]
        ended[f"collapse.{dimension}.{spread:g}.{form}"] = Ended(
            interval([run["spread"] for run in runs]), interval([run["tv"] for run in runs])
        )
    return Collapse(ended)


def _bandwidth(config: HighDimensionConfig, dimension: int) -> float:
    """The automatic one of the Laplace kernel, on the data of the seed that bandwidths are chosen on."""
    target = target_of(Place.everywhere(dimension).dataset(config, config.tuning_seed).made())
    return found_on(target, chosen("kernel", "laplace", bandwidth="auto"))[0].bandwidth


def _settings(config: HighDimensionConfig, case: Case, bandwidth: float) -> TrainConfig:
    own, network = config.collapse, config.network
    return training.settings(
        dataset=Place.everywhere(case.dimension).dataset(config, case.seed),
        kernel=with_defaults("kernel", "laplace", bandwidth=bandwidth),
        drift=_drift(config, case.form),
        schedule=with_defaults("schedule", "constant"),
        generator=config.generator,
        optimizer=config.optimizer,
        evaluation=EvaluationConfig(every=own.steps, points=1, projections=1, draws=1),
        batch_size=network.batch_size,
        steps=own.steps,
        seed=case.seed,
    )


def _drift(config: HighDimensionConfig, form: str) -> Settings:
    """Three bandwidths, of which the last is `reach` times the first, the geometric mean the automatic one."""
    base, normalize = FORMS[form]
    factors = np.geomspace(1, config.reach, SCALES) / np.sqrt(config.reach)
    return with_defaults(
        "drift", "multi_temperature", self_term="exclude", base=base, normalize=normalize, factors=factors.tolist()
    )
