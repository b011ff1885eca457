"""The checkerboard."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, integers, normal, uniform
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Checkerboard(Checked):
    r"""The checkerboard: uniform on eight of the sixteen tiles of $[-1, 1]^2$, plus isotropic noise.

    With $b, i, j$ fair bits and $U$ uniform on $[0, 1]^2$ a point is $\tfrac12\big((2i + b, 2j + b) + U - 2\big)$ (Deng
    et al.'s toy code, whose noise is 0.05). `draw` returns n points [n, 2] in float32 or float64, on the device of its
    generator.
    """

    noise: Noise
    dimension: int = 2

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        parity, column, row = (integers(2, n, generator) for _ in range(3))
        corners = torch.stack([2 * column + parity, 2 * row + parity], dim=1).to(dtype)
        points = (corners + uniform(n, 2, generator=generator, dtype=dtype) - 2) / 2
        return points + self.noise * normal(n, 2, generator=generator, dtype=dtype)
