"""The convolutions that the learned encoders share."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated

from jaxtyping import Float
from torch import Tensor, nn

from drift_cli.data.planes import Shape, to_planes
from drift_cli.features.base import Features, Maps
from drift_cli.rules import between
from drift_cli.setting import Setting

Width = Annotated[
    int,
    Setting(
        "channels of the first map; the next ones have twice and four times as many",
        (partial(between, low=1, high=256),),
    ),
]
Epochs = Annotated[int, Setting("passes over the training part", (partial(between, low=1, high=10_000),))]

_LARGE = 16  # images with a longer side are halved by the first convolution
_STAGES = 3


class Trunk(Features):
    """Three convolutions 3 × 3, each with group normalisation and SiLU; the second and third halve the image."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.shape, self.size = shape, math.sqrt(math.prod(shape))
        channels = [shape[2], *(width * 2**k for k in range(_STAGES))]
        self.channels = channels[-1]
        self.strides = (2 if max(shape[:2]) > _LARGE else 1, 2, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels[k], channels[k + 1], 3, self.strides[k], 1),
                nn.GroupNorm(math.gcd(4, channels[k + 1]), channels[k + 1]),
                nn.SiLU(),
            )
            for k in range(_STAGES)
        )

    def planes(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        """Pixels of about unit size, where points are."""
        weight = next(self.parameters())
        return to_planes(points.to(weight.dtype), self.shape) * self.size

    def of_planes(self, planes: Float[Tensor, "n c h w"]) -> Maps:
        maps: Maps = []
        for stage in self.stages:
            planes = stage(planes)
            maps.append(planes)
        return maps

    def forward(self, points: Float[Tensor, "n d"]) -> Maps:
        return self.of_planes(self.planes(points))
