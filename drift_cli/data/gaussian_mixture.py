r"""An isotropic Gaussian mixture $p = \sum_m w_m N(\mu_m, s^2 I)$ in any dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import normal


@dataclass(frozen=True)
class GaussianMixture:
    """`means` [m][d], `weights` [m] (normalised when drawing), common standard deviation `std`."""

    means: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    std: float

    @property
    def dimension(self) -> int:
        return len(self.means[0])

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n d"]:
        weights = torch.tensor(self.weights, dtype=torch.float64, device=generator.device)
        mode = torch.multinomial(weights, n, replacement=True, generator=generator)
        centres = torch.tensor(self.means, dtype=dtype, device=generator.device)[mode]
        return centres + self.std * normal(n, self.dimension, generator=generator, dtype=dtype)


def evenly_spaced(modes: int, dimension: int, radius: float) -> tuple[tuple[float, ...], ...]:
    """Means on a circle in the first two coordinates, the rest zero; in one dimension on [−radius, radius]."""
    if dimension == 1:
        ends = [radius * (2 * k / (modes - 1) - 1) for k in range(modes)] if modes > 1 else [0.0]
        return tuple((end,) for end in ends)
    angles = [2 * math.pi * k / modes for k in range(modes)]
    rest = (0.0,) * (dimension - 2)
    return tuple((radius * math.cos(angle), radius * math.sin(angle), *rest) for angle in angles)
