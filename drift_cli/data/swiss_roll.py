"""The swiss roll."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, normal, uniform
from drift_cli.setting import Checked


@dataclass(frozen=True)
class SwissRoll(Checked):
    r"""The swiss roll: $(t\cos t, t\sin t)/4.5\pi$ with $t$ uniform on $[\pi/2, 9\pi/2]$, plus isotropic noise.

    Divided by its largest radius, not by that of each batch, so that the target is the same at every step. `draw`
    returns n points [n, 2] in float32 or float64, on the device of its generator.
    """

    noise: Noise
    dimension: int = 2

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        angle = math.pi * (0.5 + 4 * uniform(n, generator=generator, dtype=dtype))
        spiral = torch.stack([angle * angle.cos(), angle * angle.sin()], dim=1) / (4.5 * math.pi)
        return spiral + self.noise * normal(n, 2, generator=generator, dtype=dtype)
