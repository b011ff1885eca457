r"""The judge: a small convolutional classifier of real images, and its 64 features.

Three convolutions with strides (2, 2, 2), of images below 16 pixels (1, 2, 2), each with group normalisation and SiLU;
64 features; one linear layer. It learns by cross-entropy from images that are shifted by up to 7 % and turned by up to
10 degrees. Ours; no encoder that a drift works in has this architecture or this seed.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional

from drift_cli.learned import Shelf, content_hash, fit

_FEATURES = 64
_WIDTHS = (32, 64, 64)
_EPOCHS, _LEAST_STEPS = 8, 250  # passes over the images; of a small set more, until it has had these steps
_BATCH = 128
_SHIFT, _TURN = 0.07, math.pi / 18
_AT_ONCE = 1000  # images in work at a time
_SMALL = 16  # pixels a side below which the first convolution keeps the size


class Judge(nn.Module):
    """Images as rows [n, h·w·c] with pixels in [0, 1], `shape` (h, w) or (h, w, c), to scores [n, classes]."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.shape = shape
        height, width, channels = (*shape, 1)[:3]
        strides = (1 if min(height, width) < _SMALL else 2, 2, 2)
        layers: list[nn.Module] = []
        for before, after, stride in zip((channels, *_WIDTHS), _WIDTHS, strides, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride, padding=1), nn.GroupNorm(8, after), nn.SiLU()]
            height, width = math.ceil(height / stride), math.ceil(width / stride)
        self.seen = nn.Sequential(*layers, nn.Flatten(), nn.Linear(_WIDTHS[-1] * height * width, _FEATURES), nn.SiLU())
        self.answer = nn.Linear(_FEATURES, classes)

    def planes(self, images: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        """The rows as images with their channels first, about zero."""
        height, width, channels = (*self.shape, 1)[:3]
        return images.reshape(-1, height, width, channels).permute(0, 3, 1, 2) * 2 - 1

    def forward(self, planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        return self.answer(self.seen(planes))

    @torch.no_grad()
    def features(self, images: Float[Tensor, "n d"]) -> Float[Tensor, "n 64"]:
        return torch.cat([self.seen(self.planes(few.float())) for few in images.split(_AT_ONCE)])

    @torch.no_grad()
    def answers(self, features: Float[Tensor, "n 64"]) -> Int[Tensor, " n"]:
        """The class that the judge sees in each image, from its features."""
        return self.answer(features).argmax(dim=1)


def learned_judge(
    images: Float[Tensor, "n d"], classes: Int[Tensor, " n"], shape: tuple[int, ...], seed: int, shelf: Shelf
) -> Judge:
    """A judge that learned from these images, kept on the shelf by their content. The same seed gives the same bits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(shape, int(classes.max()) + 1)

    def learn(network: nn.Module) -> dict[str, Any]:
        planes = judge.planes(images.float())

        def loss(rows: Tensor, generator: Generator) -> Tensor:
            return functional.cross_entropy(network(_moved(planes[rows], generator)), classes[rows])

        batches = max(len(images) // _BATCH, 1)
        fit(network, loss, len(images), seed, epochs=max(_EPOCHS, math.ceil(_LEAST_STEPS / batches)), batch_size=_BATCH)
        return {}

    shelf.learned("judge", content_hash(images, classes, shape, seed, str(judge), _EPOCHS, _LEAST_STEPS), judge, learn)
    return judge


def _moved(planes: Float[Tensor, "b c h w"], generator: Generator) -> Float[Tensor, "b c h w"]:
    """Each image shifted and turned a little; what comes in from outside repeats the edge."""
    across, down, turn = (2 * torch.rand(3, len(planes), generator=generator) - 1).unbind()
    angle = _TURN * turn
    rows = (angle.cos(), -angle.sin(), 2 * _SHIFT * across, angle.sin(), angle.cos(), 2 * _SHIFT * down)
    grid = functional.affine_grid(torch.stack(rows, dim=1).reshape(-1, 2, 3), list(planes.shape), align_corners=False)
    return functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
