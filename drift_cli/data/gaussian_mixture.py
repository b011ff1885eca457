r"""An isotropic Gaussian mixture $p = \sum_m w_m N(\mu_m, s^2 I)$ in any dimension.

Its means stand evenly on a circle, or are drawn once for all, a function of what is set: evenly over the sphere of the
space (`random`), or over that of a subspace of few dimensions (`subspace`), itself drawn at random. In many dimensions
random means are all about √2 radii apart, while those of a subspace keep their neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import normal
from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, one_of, positive
from drift_cli.setting import Setting

PLACEMENTS = ("circle", "random", "subspace")


@dataclass(frozen=True)
class GaussianMixture:
    """`means` [m][d], `weights` [m] (normalised when drawing), common standard deviation `std`."""

    means: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    std: float

    @classmethod
    def from_settings(
        cls,
        modes: Annotated[int, Setting("number of modes", (partial(between, low=1, high=10_000),))],
        dimension: Annotated[int, Setting("dimension of the points", (partial(between, low=1, high=4096),))],
        radius: Annotated[float, Setting("distance of the modes from the origin", (partial(at_least, least=0),))],
        std: Annotated[float, Setting("standard deviation of each mode", (positive,))],
        weights: Annotated[
            tuple[float, ...] | None,
            Setting("one positive number per mode (normalised to sum 1); null: equal", (positive,)),
        ] = None,
        means: Annotated[Any, Setting("one list of coordinates per mode; null: by placement")] = None,
        placement: Annotated[
            str,
            Setting(
                "placement of the means, if none are given; random: on the sphere",
                (partial(one_of, choices=PLACEMENTS),),
            ),
        ] = "circle",
        subspace: Annotated[
            int,
            Setting(
                "dimension of the random subspace that contains the means with placement=subspace",
                (partial(at_least, least=1),),
            ),
        ] = 4,
        arrangement: Annotated[int, Setting("number of the random placement", (partial(at_least, least=0),))] = 0,
    ) -> Self:
        if means:
            places = tuple(map(tuple, means))
        elif placement == "circle":
            places = evenly_spaced(modes, dimension, radius)
        else:
            within = dimension if placement == "random" else subspace
            places = on_a_sphere(modes, dimension, radius, within, arrangement)
        return cls(places, tuple(weights or [1.0] * modes), std)

    @staticmethod
    def check_settings(
        modes: int, dimension: int, weights: Any, means: Any, placement: str, subspace: int, **_: object
    ) -> None:
        if weights is not None and len(weights) != modes:
            raise UserError(
                f"dataset.weights must have one entry per mode ({modes}), got {len(weights)}: give {modes}, or set "
                "dataset.modes."
            )
        if means is not None and not _fit(means, modes, dimension):
            raise UserError(
                f"dataset.means must be {modes} lists of {dimension} numbers (dataset.modes, dataset.dimension), "
                f"got {means}: give as many, or set those two."
            )
        if placement == "subspace" and subspace > dimension:
            raise UserError(
                f"dataset.subspace must be at most dataset.dimension ({dimension}), got {subspace}: lower it, or "
                "choose dataset.placement=random."
            )

    @property
    def dimension(self) -> int:
        return len(self.means[0])

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n d"]:
        weights = torch.tensor(self.weights, dtype=torch.float64, device=generator.device)
        mode = torch.multinomial(weights, n, replacement=True, generator=generator)
        centres = torch.tensor(self.means, dtype=dtype, device=generator.device)[mode]
        return centres + self.std * normal(n, self.dimension, generator=generator, dtype=dtype)


def _fit(means: Any, modes: int, dimension: int) -> bool:
    return (
        isinstance(means, list)
        and len(means) == modes
        and all(isinstance(row, list) and len(row) == dimension for row in means)
        and all(isinstance(value, int | float) and math.isfinite(value) for row in means for value in row)
    )


def evenly_spaced(modes: int, dimension: int, radius: float) -> tuple[tuple[float, ...], ...]:
    """Means on a circle in the first two coordinates, the rest zero; in one dimension on [−radius, radius]."""
    if dimension == 1:
        ends = [radius * (2 * k / (modes - 1) - 1) for k in range(modes)] if modes > 1 else [0.0]
        return tuple((end,) for end in ends)
    angles = [2 * math.pi * k / modes for k in range(modes)]
    rest = (0.0,) * (dimension - 2)
    return tuple((radius * math.cos(angle), radius * math.sin(angle), *rest) for angle in angles)


def on_a_sphere(
    modes: int, dimension: int, radius: float, within: int, arrangement: int
) -> tuple[tuple[float, ...], ...]:
    """Independent means, even over the sphere of a random subspace of `within` dimensions; the same at every call."""
    entropy = np.random.SeedSequence([arrangement, modes, dimension, within])
    generator = np.random.default_rng(entropy)
    places = generator.standard_normal((modes, within))
    places *= radius / np.linalg.norm(places, axis=1, keepdims=True)
    if within < dimension:
        basis, _ = np.linalg.qr(generator.standard_normal((dimension, within)))
        places = places @ basis.T
    return tuple(map(tuple, places.tolist()))
