"""Two moons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, integers, normal, uniform
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Moons(Checked):
    """Two interleaved half circles, centred and scaled to about unit size, plus isotropic noise.

    `draw` returns n points [n, 2] in float32 or float64, on the device of its generator.
    """

    noise: Noise
    dimension: int = 2

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        angle = math.pi * uniform(n, generator=generator, dtype=dtype)
        upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], dim=1)
        points = torch.where(integers(2, n, generator).bool().unsqueeze(1), upper, -upper)  # a point reflection
        return points / 1.5 + self.noise * normal(n, 2, generator=generator, dtype=dtype)
