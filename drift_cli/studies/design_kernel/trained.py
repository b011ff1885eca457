"""A network under every kernel, each with as many runs to find its bandwidth: where a design wins, where it loses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from drift_cli.config.objects import Settings, with_defaults
from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.data.nested import Nested
from drift_cli.metrics.energy_distance import energy_distance
from drift_cli.metrics.modes import total_variation
from drift_cli.metrics.sliced_wasserstein import directions, sliced_wasserstein
from drift_cli.studies import training, tuning
from drift_cli.studies.at_factor import CODES, AtFactor, OfImages
from drift_cli.studies.design_kernel.methods import METHODS, REACH
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.numbers import Mean, Measured, Ratio, Table, before, columns
from drift_cli.studies.study import Study

_STANDARD = "laplace"  # against which ratios are
_IMPOSSIBLE = {("mixture_128", "optimal")}  # its widest term is below single precision
_PROJECTIONS = 64
_CLUSTERS = 4  # scales of the nested data of whose clusters, 256, shares are compared
_GOOD = 3.0
Of = TypeVar("Of")
_OUTCOMES = ("distance", "floor", "other", "other_floor", "seconds")


@dataclass(frozen=True)
class KernelRun:
    """What one training differs in."""

    target: str
    method: str
    factor: float
    seed: int

    @property
    def name(self) -> str:
        return f"trained_{self.target}_{self.method}_{self.factor:g}_{self.seed}"


@dataclass(frozen=True)
class OfPoints(AtFactor):
    """The same of points."""

    def made(self, unfinished: Path) -> dict[str, Any]:
        """The energy distance to fresh data, and another measure, each beside that of as many points of the data."""
        (setup, seconds), n = self.trained(), self.samples
        with torch.no_grad():
            x = setup.model.sample(n, setup.stream("sample", 0)).double()
        y, again = (setup.data(n, "final", k).points.double() for k in (0, 1))
        return {
            "distance": energy_distance(x, y),
            "floor": energy_distance(again, y),
            "other": self._other(x, y),
            "other_floor": self._other(again, y),
            "seconds": seconds,
        }

    def _other(self, x: Tensor, y: Tensor) -> float:
        """Total variation of the shares where there are modes; else the sliced Wasserstein distance."""
        data = self.settings.dataset.made()
        if isinstance(data, GaussianMixture):
            return total_variation(x, data)
        if isinstance(data, Nested):
            return float((_shares(x, data) - _shares(y, data)).abs().sum() / 2)
        return sliced_wasserstein(x, y, directions(_PROJECTIONS, x.shape[1], torch.Generator().manual_seed(0), x.dtype))


def _shares(x: Tensor, data: Nested) -> Tensor:
    """Of the nearest clusters of the coarse scales."""
    number, centre = torch.zeros(len(x), dtype=torch.long), torch.zeros_like(x)
    for length in data.lengths[:_CLUSTERS]:
        above = x > centre
        centre = centre + (2 * above.to(x.dtype) - 1) * length / 2**0.5
        number = 4 * number + 2 * above[:, 0].long() + above[:, 1].long()
    return torch.bincount(number, minlength=4**_CLUSTERS).double() / len(x)


def methods(config: DesignKernelConfig, target: str) -> list[str]:
    return [name for name in config.trained.methods if (target, name) not in _IMPOSSIBLE]


def _job(config: DesignKernelConfig, run: KernelRun) -> OfPoints | OfImages:
    own, method = config.trained, METHODS[run.method]
    on_images = run.target == "mnist5k"
    space: dict[str, Any] = {"space": with_defaults("space", "autoencoder", seed=CODES)} if on_images else {}
    settings = training.settings(
        dataset=_dataset(run.target, run.seed),
        kernel=method.kernel_at("auto", own.modes, "auto"),
        drift=method.drift("exclude"),
        schedule=method.schedule(own.steps),
        generator=config.generator,
        optimizer=config.optimizer,
        batch_size=own.batch_size,
        steps=own.steps,
        seed=run.seed,
        **space,
    )
    factor = run.factor * (REACH if method.annealed else 1.0)
    return OfImages(settings, factor, min(own.samples, 1000)) if on_images else OfPoints(settings, factor, own.samples)


def _dataset(target: str, seed: int) -> Settings:
    """Means that are drawn are others for each seed."""
    if target == "grid":
        side = [-1.0, -0.5, 0.0, 0.5, 1.0]
        means = [[a, b] for a in side for b in side]
        return with_defaults("dataset", "gaussian_mixture", modes=len(means), means=means, std=0.05)
    if target.startswith("mixture_"):
        shape = {"modes": 16, "dimension": int(target.removeprefix("mixture_")), "std": 0.07}
        return with_defaults("dataset", "gaussian_mixture", **shape, placement="random", arrangement=seed)
    return with_defaults("dataset", target)


@dataclass(frozen=True)
class Outcome(Measured):
    """One kernel on one target at its chosen factor, over seeds; distances over those of the data's own points.

    `good`: the factors whose distance, on the seed for choosing, is at most `_GOOD` times the least of all kernels.
    """

    factor: float
    good: int
    over_floor: Ratio
    other: Mean
    cost: float  # of a run, over that under the Laplace kernel


@dataclass(frozen=True)
class Trained(Measured):
    """By `trained.<target>.<kernel>`; `wins`, `losses`: targets on which an interval of the ratio leaves out 1.

    `over_laplace`: the distance over that under the Laplace kernel, seed by seed, with the 95 % interval.
    """

    outcomes: dict[str, Outcome]
    over_laplace: dict[str, Ratio] = field(metadata=before("."))
    wins: dict[str, int]
    losses: dict[str, int]
    good_factors: dict[str, float]  # mean over targets, of so many
    at_the_edge: int  # choices at the first or the last factor that was tried
    rows: list[tuple]

    def tables(self) -> dict[str, Table]:
        return {"trained": columns(("target", "kernel", "factor", "seed", *_OUTCOMES), self.rows)}


def trained(config: DesignKernelConfig, s: Study) -> Trained:
    """Every kernel on every target, the factor chosen by the least distance."""
    own = config.trained
    tuned = tuning.tuned(
        config,
        s,
        {
            (target, method): {factor: KernelRun(target, method, factor, own.tuning_seed) for factor in own.factors}
            for target in own.targets
            for method in methods(config, target)
        },
        lambda factors: (KernelRun(*group, factors[group], seed) for group in factors for seed in own.seeds),
        partial(_job, config),
        lambda found: tuning.worst_if_not_finite(_plain(found)["distance"]),
    )
    plain = {run: _plain(found) for run, found in tuned.found.items()}
    outcomes, over_laplace = {}, {}
    for target in own.targets:
        at = {
            method: [plain[KernelRun(target, method, tuned.factors[target, method], seed)] for seed in own.seeds]
            for method in methods(config, target)
        }
        tried = {
            (method, factor): plain[KernelRun(target, method, factor, own.tuning_seed)]["distance"]
            for method, factor in itertools.product(methods(config, target), own.factors)
        }
        for method, each in at.items():
            key = f"trained.{target}.{method}"
            outcomes[key] = Outcome(
                tuned.factors[target, method],
                sum(tried[method, factor] <= _GOOD * min(tried.values()) for factor in own.factors),
                Ratio([run["distance"] / run["floor"] for run in each]),
                Mean([run["other"] for run in each]),
                sum(run["seconds"] for run in each) / sum(run["seconds"] for run in at[_STANDARD]),
            )
            if method != _STANDARD:
                pairs = zip(each, at[_STANDARD], strict=True)
                over_laplace[key] = Ratio([run["distance"] / standard["distance"] for run, standard in pairs])
    return Trained(
        outcomes,
        over_laplace,
        {name: sum(each.spread()["ci_high"] < 1 for each in _of(over_laplace, name)) for name in own.methods},
        {name: sum(each.spread()["ci_low"] > 1 for each in _of(over_laplace, name)) for name in own.methods},
        {method: float(np.mean([each.good for each in _of(outcomes, method)])) for method in own.methods},
        sum(factor in (min(own.factors), max(own.factors)) for factor in tuned.factors.values()),
        [(*vars(run).values(), *each.values()) for run, each in plain.items()],
    )


def _plain(run: Mapping[str, Any]) -> dict[str, float]:
    """Of images the Fréchet distance, and the total variation of the classes that the judge sees."""
    if "frechet" not in run:
        return {name: run[name] for name in _OUTCOMES}
    values = (run["frechet"], run["frechet_floor"], run["class_tv"], 0.0, run["seconds"])
    return dict(zip(_OUTCOMES, values, strict=True))


def _of(by_key: Mapping[str, Of], method: str) -> Iterator[Of]:
    """Those of one method, of every target."""
    return (each for key, each in by_key.items() if key.endswith(f".{method}"))
