r"""Images from noise by convolutions: a small image of many channels, doubled until it has its size.

Noise (and the class as one-hot coordinates) becomes the smallest image through one linear layer; each doubling is a
transposed convolution of 4 × 4, group normalisation and SiLU; a convolution of 3 × 3 makes the pixels. As in DCGAN
(Radford et al. 2016), with group in place of batch normalisation, so that a sample does not depend on its batch.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, ClassVar, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from drift_cli.data.planes import Shape, from_planes, image_shape
from drift_cli.data.space import Space
from drift_cli.generator.base import check_labels, one_hot
from drift_cli.generator.network import Network
from drift_cli.rules import between
from drift_cli.setting import Setting

_SMALLEST = 7  # sides are halved while one is longer
_WIDEST = 8  # times as many channels as at full size
_GROUPS = 8


class Conv(Network):
    r"""`shape`: height, width, channels. `width` channels at full size, twice at each half, at most eight times.

    The pixels are divided by √d, so that samples of the start are of about unit size, as the training space is.
    """

    of_images: ClassVar[bool] = True

    def __init__(self, noise: int, width: int, shape: Shape, classes: int = 0) -> None:
        super().__init__(noise, classes)
        self.shape = shape
        sides = [shape[:2]]
        while max(sides[-1]) > _SMALLEST:
            height, width_of = sides[-1]
            sides.append(((height + 1) // 2, (width_of + 1) // 2))
        channels = [width * min(2**k, _WIDEST) for k in range(len(sides))]
        self.smallest = (channels[-1], *sides[-1])
        layers: list[nn.Module] = [nn.Linear(noise + classes, math.prod(self.smallest)), nn.Unflatten(1, self.smallest)]
        for k in reversed(range(len(sides) - 1)):
            layers += [*_normalised(channels[k + 1]), nn.ConvTranspose2d(channels[k + 1], channels[k], 4, 2, 1)]
            layers.append(_Cut(*sides[k]))
        self.layers = nn.Sequential(*layers, *_normalised(width), nn.Conv2d(width, shape[2], 3, padding=1))

    @classmethod
    def from_settings(
        cls,
        space: Space,
        /,
        noise: Annotated[int, Setting("dimension of the noise", (partial(between, low=1, high=4096),))],
        width: Annotated[
            int,
            Setting(
                "channels at full size; doubled at each halving, at most 8 times",
                (partial(between, low=1, high=256),),
            ),
        ],
    ) -> Self:
        """A network from noise to the images of `space`. Raises `UserError` if its points are not images."""
        shape = image_shape(space, "generator=conv", "generator=mlp")
        return cls(noise, width, shape, len(space.class_frequencies or ()))

    def forward(self, noise: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        check_labels(labels, self.classes)
        if labels is not None:
            noise = torch.cat([noise, one_hot(labels, self.classes, noise.dtype)], dim=1)
        return from_planes(self.layers(noise)) / math.sqrt(math.prod(self.shape))


def _normalised(channels: int) -> list[nn.Module]:
    return [nn.GroupNorm(math.gcd(_GROUPS, channels), channels), nn.SiLU()]


class _Cut(nn.Module):
    """The upper left of an image: twice the half of an odd side is one pixel too many."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : self.height, : self.width]
