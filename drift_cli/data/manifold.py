"""A surface of known dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import Noise, normal, uniform
from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, one_of
from drift_cli.setting import Checked, Setting

_FREQUENCY = 2.0  # of the sine that bends the surface


@dataclass(frozen=True)
class Manifold(Checked):
    r"""A surface of known dimension k, embedded smoothly in many: a flat torus, or a swiss roll and its thickness.

    The torus is $(\cos\theta_1, \sin\theta_1, \dots, \cos\theta_k, \sin\theta_k)/\sqrt k$ with even angles, in 2k
    dimensions; the roll is $(t\cos t, t\sin t)/4.5\pi$ with t even on $[\pi/2, 9\pi/2]$ and k − 1 more coordinates even
    on $[-\tfrac12, \tfrac12]$, in k + 1. Both are turned into `dimension` dimensions by an isometry A (orthonormal
    columns) and bent there, $x = Au + b\,B\sin(2Au)$ with another rotation B: for $2b < 1$ that is a smooth embedding,
    since what is added has a slope of at most 2b. Isotropic noise is added last. `draw` returns n points [n,
    dimension].
    """

    surface: Annotated[str, Setting("kind of surface", (partial(one_of, choices=("torus", "roll")),))]
    intrinsic: Annotated[int, Setting("dimension of the surface", (partial(at_least, least=1),))]
    dimension: Annotated[int, Setting("dimension of the points", (partial(between, low=1, high=1024),))]
    noise: Noise
    bend: Annotated[
        float, Setting("bend b; 0: the surface lies flat in its subspace", (partial(between, low=0, high=0.45),))
    ]

    @staticmethod
    def check_settings(surface: str, intrinsic: int, dimension: int, **_: object) -> None:
        least = _flat(surface, intrinsic)
        if dimension < least:
            raise UserError(
                f"dataset.dimension must be at least {least}, which a {surface} of dataset.intrinsic={intrinsic} "
                f"needs, got {dimension}: raise it, or lower dataset.intrinsic."
            )

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n d"]:
        flat = self._on_the_surface(n, generator, dtype)
        isometry, turned = (
            torch.tensor(matrix, dtype=dtype, device=generator.device)
            for matrix in _embedding(_flat(self.surface, self.intrinsic), self.dimension)
        )
        points = flat @ isometry.T
        if self.bend:
            points = points + self.bend * (_FREQUENCY * points).sin() @ turned.T
        return points + self.noise * normal(n, self.dimension, generator=generator, dtype=dtype)

    def _on_the_surface(self, n: int, generator: Generator, dtype: torch.dtype) -> Tensor:
        if self.surface == "torus":
            angles = 2 * math.pi * uniform(n, self.intrinsic, generator=generator, dtype=dtype)
            return torch.cat([angles.cos(), angles.sin()], dim=1) / math.sqrt(self.intrinsic)
        t = math.pi * (0.5 + 4 * uniform(n, 1, generator=generator, dtype=dtype))
        thickness = uniform(n, self.intrinsic - 1, generator=generator, dtype=dtype) - 0.5
        return torch.cat([t * t.cos() / (4.5 * math.pi), t * t.sin() / (4.5 * math.pi), thickness], dim=1)


def _flat(surface: str, intrinsic: int) -> int:
    """Dimensions of the space that the surface lies in before it is turned."""
    return 2 * intrinsic if surface == "torus" else intrinsic + 1


@cache
def _embedding(flat: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """The isometry [dimension, flat] and the rotation [dimension, dimension], the same for the same dimensions."""
    generator = np.random.default_rng(np.random.SeedSequence([flat, dimension]))
    isometry, _ = np.linalg.qr(generator.standard_normal((dimension, flat)))
    turned, _ = np.linalg.qr(generator.standard_normal((dimension, dimension)))
    return isometry, turned
