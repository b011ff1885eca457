r"""How well samples are on the modes, where distances between samples say little.

TV of the mode shares, by a radius that is a quantile of the χ distribution (`metrics/modes.py`); modes found, those
with a quarter of their weight at least; variance and covariance error within the modes; and the energy distance.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.metrics.energy_distance import energy_distance
from drift_cli.metrics.modes import recovered, total_variation, within_modes
from drift_cli.training.streams import stream

OUTCOMES = ("tv", "found", "variance", "covariance_error", "energy")
_FOUND = 0.25  # of its weight, of a mode that is found
_DRAWS = 8  # of the target itself, for the floors

Judged = dict[str, float | None]  # by outcome; None where it is not finite, or there is none


def judged(x: Float[Tensor, "n d"], mixture: GaussianMixture, reference: Float[Tensor, "n d"]) -> Judged:
    """The outcomes of x; `reference` are as many points of the mixture."""
    within = within_modes(x, mixture)
    values = (
        total_variation(x, mixture),
        float((recovered(x, mixture) >= _FOUND / len(mixture.means)).sum()),
        within.variance if within else math.nan,
        within.covariance_error if within else math.nan,
        energy_distance(x, reference),
    )
    return {name: value if math.isfinite(value) else None for name, value in zip(OUTCOMES, values, strict=True)}


def floors(mixture: GaussianMixture, n: int, seed: int) -> dict[str, float]:
    """The means of the outcomes of n points of the mixture itself."""
    draws = [[mixture.draw(n, stream(seed, "floor", 2 * k + j), torch.float64) for j in (0, 1)] for k in range(_DRAWS)]
    found = [judged(x, mixture, reference) for x, reference in draws]
    return {name: math.fsum(each[name] or 0.0 for each in found) / _DRAWS for name in OUTCOMES}
