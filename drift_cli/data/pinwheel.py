r"""A pinwheel: `arms` elongated Gaussian blobs at radius 0.7, twisted by an angle that grows with the radius."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import integers, normal
from drift_cli.rules import at_least, finite, positive
from drift_cli.setting import Checked, Setting

_RADIUS = 0.7  # of the blobs' centres: with the default spread the pinwheel then has about unit size


@dataclass(frozen=True)
class Pinwheel(Checked):
    """Standard deviations along and across the radius; `twist` in radians per unit of radius."""

    arms: Annotated[int, Setting("number of blobs", (partial(at_least, least=1),))]
    radial_std: Annotated[float, Setting("standard deviation along the radius", (positive,))]
    tangential_std: Annotated[float, Setting("standard deviation across the radius", (positive,))]
    twist: Annotated[float, Setting("radians per unit of radius", (finite,))]
    dimension: int = 2

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n 2"]:
        along = _RADIUS + self.radial_std * normal(n, generator=generator, dtype=dtype)
        across = self.tangential_std * normal(n, generator=generator, dtype=dtype)
        arm = integers(self.arms, n, generator).to(dtype)
        angle = 2 * math.pi * arm / self.arms + self.twist * along
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([along * cos - across * sin, along * sin + across * cos], dim=1)
