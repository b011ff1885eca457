"""A control: the outcomes for points of the target that lack one mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.studies.high_dimension.judging import floors, judged
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place
from drift_cli.studies.numbers import Measured
from drift_cli.training.streams import stream


@dataclass(frozen=True)
class LostMode(Measured):
    """Over places and seeds: by how many modes the found ones are short, at the least; and means over their floors."""

    lost_mode_short: float
    lost_mode_tv_over_floor: float
    lost_mode_energy_over_floor: float


def lost_mode(config: HighDimensionConfig, where: list[Place]) -> LostMode:
    """As many points as there are particles."""
    short, ratios = [], []
    for place in where:
        for seed in config.seeds:
            mixture: GaussianMixture = place.dataset(config, seed).made()
            without = GaussianMixture(mixture.means[1:], mixture.weights[1:], mixture.std)
            x = without.draw(config.particles, stream(seed, "second"), torch.float64)
            reference = mixture.draw(config.particles, stream(seed, "final"), torch.float64)
            found, floor = judged(x, mixture, reference), floors(mixture, config.particles, seed)
            short.append(config.modes - (found["found"] or 0.0))
            ratios.append([(found[name] or 0.0) / floor[name] for name in ("tv", "energy")])
    tv, energy = np.mean(ratios, axis=0).tolist()
    return LostMode(min(short), tv, energy)
