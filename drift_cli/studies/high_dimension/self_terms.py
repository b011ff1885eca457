"""The self term: the effect of each choice in many dimensions, with one fixed kernel, starting from the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from drift_cli.config.objects import Settings, chosen
from drift_cli.data import target_of
from drift_cli.metrics.modes import total_variation, within_modes
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place, automatic
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Estimate, Measured, interval
from drift_cli.studies.study import Study
from drift_cli.studies.training import plain
from drift_cli.training.streams import stream

TERMS = ("include", "exclude", "balanced")


@dataclass(frozen=True)
class SelfTermRun:
    """What one run differs in."""

    place: Place
    seed: int

    @property
    def name(self) -> str:
        return f"self_terms_{self.place.name}_{self.seed}"


@dataclass(frozen=True)
class FromTheTruth:
    """Points of the target that drift on, as the data does not change: what becomes of them is the estimator's."""

    dataset: Settings
    bandwidth: float  # of the Gaussian kernel, which is held
    particles: int
    steps: int
    seed: int

    def asked(self) -> dict[str, Any]:
        return {
            "dataset": plain(self.dataset),
            "bandwidth": self.bandwidth,
            "particles": self.particles,
            "steps": self.steps,
            "seed": self.seed,
        }

    def made(self, unfinished: object) -> dict[str, Any]:
        torch.set_num_threads(1)
        mixture, kernel = self.dataset.made(), chosen("kernel", "gaussian", bandwidth=self.bandwidth).made()
        target = target_of(mixture)
        start = target.sample(self.particles, stream(self.seed, "initial"), torch.float32).points
        found = {}
        for term in TERMS:
            x, drift = start, chosen("drift", "mean_shift", self_term=term).made()
            for step in range(self.steps):
                data = target.sample(self.particles, stream(self.seed, "data", step), torch.float32).points
                x = x + drift(kernel, x, data, x, paired=True)
            within = within_modes(x, mixture)
            size = (x.square().sum(dim=1).mean() / start.square().sum(dim=1).mean()).sqrt()
            found[term] = {
                "variance": within.variance if within else None,
                "size": float(size),
                "tv": total_variation(x, mixture),
            }
        return found


@dataclass(frozen=True)
class OfSelfTerm(Measured):
    """Of points that began as the target's: variance within the modes over the target's (None where a seed has none
    left), root mean square radius over that at the start, and TV of the mode shares. 95 % intervals over seeds."""

    variance: Estimate | None
    size: Estimate
    tv: Estimate


@dataclass(frozen=True)
class SelfTerms(Measured):
    """By `<dimension>.<term>`."""

    self_term: dict[str, OfSelfTerm]


def self_terms(config: HighDimensionConfig, s: Study) -> SelfTerms:
    """Every choice in every dimension, at the automatic bandwidth of the Gaussian kernel."""
    everywhere = [Place.everywhere(dimension) for dimension in config.self_dimensions]
    units = {place: automatic(config, place, ["gaussian"])["gaussian"] for place in everywhere}
    plan = {
        SelfTermRun(place, seed): FromTheTruth(
            place.dataset(config, seed), units[place], config.particles, config.particle_steps, seed
        )
        for place in everywhere
        for seed in config.seeds
    }
    found, kept = finished_runs(config, s, plan), {}
    for place in everywhere:
        for term in TERMS:
            own = [found[SelfTermRun(place, seed)][term] for seed in config.seeds]
            variances = [each["variance"] for each in own]
            kept[f"self_term.{place.dimension}.{term}"] = OfSelfTerm(
                None if None in variances else interval(variances),
                interval([each["size"] for each in own]),
                interval([each["tv"] for each in own]),
            )
    return SelfTerms(kept)
