"""Where the official form of Deng et al. collapses, and which part of it is the cause: a network from narrow starts.

The form is a joint softmax over data and samples at three bandwidths, each drift over its root mean square. Where the
samples coincide the softmax gives the negatives all the weight: what pushes samples apart is multiplied by the weight
of the data, which is next to none, and the division by the root mean square brings back the pull that all samples have
in common, not what tells them apart.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from drift_cli.config.objects import Settings, with_defaults
from drift_cli.metrics.modes import total_variation
from drift_cli.studies import training
from drift_cli.studies.high_dimension.from_spread import FromSpread
from drift_cli.studies.high_dimension.methods import SCALES
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, automatic
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Estimate, Measured, interval
from drift_cli.studies.study import Study
from drift_cli.training.settings import TrainConfig

FORMS = {  # at the same three bandwidths
    "official": ("batch_normalized", "rms"),
    "joint_softmax": ("batch_normalized", "none"),
    "rms": ("mean_shift", "rms"),
    "mean_shifts": ("mean_shift", "none"),
}


@dataclass(frozen=True)
class CollapseRun:
    """What one training differs in; `spread` is that of the samples at the start, over the target's."""

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
class OfForm(Measured):
    """Spread of the samples over the target's, and TV of the mode shares. 95 % intervals over seeds."""

    spread: Estimate
    tv: Estimate


@dataclass(frozen=True)
class Collapse(Measured):
    """By `collapse.<dimension>.<spread at the start>.<form>`."""

    ended: dict[str, OfForm]

    def at(self, dimension: int, spread: float, form: str) -> OfForm:
        return self.ended[f"collapse.{dimension}.{spread:g}.{form}"]


def jobs(config: HighDimensionConfig) -> dict[CollapseRun, Narrow]:
    """Every form from every spread, at the automatic bandwidth of the Laplace kernel."""
    own = config.collapse
    units = {dimension: automatic(config, Place.everywhere(dimension), ["laplace"]) for dimension in own.dimensions}
    return {
        run: Narrow(_settings(config, run, units[run.dimension]["laplace"]), run.spread, config.network.samples)
        for run in itertools.starmap(CollapseRun, itertools.product(own.dimensions, own.spreads, FORMS, own.seeds))
    }


def collapse(config: HighDimensionConfig, s: Study) -> Collapse:
    """Every form from every spread in every dimension."""
    own, ended, found = config.collapse, {}, finished_runs(config, s, jobs(config))
    for dimension, spread, form in itertools.product(own.dimensions, own.spreads, FORMS):
        runs = [found[CollapseRun(dimension, spread, form, seed)] for seed in own.seeds]
        ended[f"collapse.{dimension}.{spread:g}.{form}"] = OfForm(
            interval([run["spread"] for run in runs]), interval([run["tv"] for run in runs])
        )
    return Collapse(ended)


def _settings(config: HighDimensionConfig, run: CollapseRun, bandwidth: float) -> TrainConfig:
    own, network = config.collapse, config.network
    return training.settings(
        dataset=Place.everywhere(run.dimension).dataset(config, run.seed),
        kernel=with_defaults("kernel", "laplace", bandwidth=bandwidth),
        drift=_drift(config, run.form),
        generator=config.generator,
        optimizer=config.optimizer,
        batch_size=network.batch_size,
        steps=own.steps,
        seed=run.seed,
    )


def _drift(config: HighDimensionConfig, form: str) -> Settings:
    """Three bandwidths, of which the last is `reach` times the first, the geometric mean the automatic one."""
    base, normalize = FORMS[form]
    factors = np.geomspace(1, config.reach, SCALES) / np.sqrt(config.reach)
    return with_defaults(
        "drift", "multi_temperature", self_term="exclude", base=base, normalize=normalize, factors=factors.tolist()
    )
