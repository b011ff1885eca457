"""Detail at several scales."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, integers, normal
from drift_cli.rules import between
from drift_cli.setting import Checked, Setting


@dataclass(frozen=True)
class Nested(Checked):
    r"""Clusters of clusters in the plane: detail at several scales, each as strong as its length.

    With $u_s$ one of the four corners $(\pm1, \pm1)/\sqrt2$, even and independent,

    $$x = c\sum_{s=0}^{S-1}\rho^s u_s + \text{noise}, \qquad c^{-2} = \sum_s\rho^{2s},$$

    so that the root mean square radius is 1. For ρ < 1/2 the $4^S$ clusters are separate; ρ = 1/3 is Cantor's dust.
    `draw` returns n points [n, 2] in float32 or float64, on the device of its generator.
    """

    scales: Annotated[
        int, Setting("levels of clusters, four in each of the one above", (partial(between, low=1, high=12),))
    ]
    ratio: Annotated[
        float, Setting("length of a scale over that of the one above", (partial(between, low=0.01, high=1),))
    ]
    noise: Noise
    dimension: int = 2

    @property
    def lengths(self) -> list[float]:
        """The distance of a cluster's centre from that of the one that it belongs to, at each scale."""
        whole = math.sqrt(math.fsum(self.ratio ** (2 * s) for s in range(self.scales)))
        return [self.ratio**s / whole for s in range(self.scales)]

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        points = self.noise * normal(n, 2, generator=generator, dtype=dtype)
        for length in self.lengths:
            signs = torch.stack([integers(2, n, generator), integers(2, n, generator)], dim=1).to(dtype)
            points = points + (2 * signs - 1) * (length / math.sqrt(2))
        return points
