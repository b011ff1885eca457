"""Concentric circles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, normal, uniform
from drift_cli.rules import positive
from drift_cli.setting import Checked, Setting


@dataclass(frozen=True)
class Rings(Checked):
    """Concentric circles, each with a share of the points in proportion to its radius, plus isotropic noise.

    `draw` returns n points [n, 2] in float32 or float64, on the device of its generator.
    """

    radii: Annotated[tuple[float, ...], Setting("radii of the circles", (positive,))]
    noise: Noise
    dimension: int = 2

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        radii = torch.tensor(self.radii, dtype=dtype, device=generator.device)
        radius = radii[torch.multinomial(radii, n, replacement=True, generator=generator)]
        angle = 2 * math.pi * uniform(n, generator=generator, dtype=dtype)
        circle = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
        return circle + self.noise * normal(n, 2, generator=generator, dtype=dtype)
