"""Networks from points to codes and back, without the scale of either."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


def of_images(shape: tuple[int, ...], dimension: int, widths: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """An encoder [n, h·w·c] → [n, k] and a decoder back, to logits: strided convolutions 4 × 4, one per width.

    Pixels are rows of (height, width) or (height, width, colours), as they lie in the points.
    """
    height, width, *colours = shape
    channels = [colours[0] if colours else 1, *widths]
    sizes = [(height, width)]
    for _ in widths:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    flat = channels[-1] * sizes[-1][0] * sizes[-1][1]
    down: list[nn.Module] = [_Planes(height, width, channels[0])]
    up: list[nn.Module] = [
        nn.Linear(dimension, flat), nn.SiLU(), nn.Unflatten(1, (channels[-1], *sizes[-1])),
    ]  # fmt: skip
    for one, other in pairwise(channels):
        down += [nn.Conv2d(one, other, 4, stride=2, padding=1), nn.SiLU()]
    for level in range(len(widths), 0, -1):
        odd = (sizes[level - 1][0] % 2, sizes[level - 1][1] % 2)
        up.append(nn.ConvTranspose2d(channels[level], channels[level - 1], 4, stride=2, padding=1, output_padding=odd))
        up.append(nn.SiLU() if level > 1 else _Rows())
    return nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, dimension)), nn.Sequential(*up)


def of_tables(columns: int, dimension: int, widths: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """An encoder [n, d] → [n, k] and a decoder back: multilayer perceptrons of SiLU, the second mirrored."""
    return _perceptron([columns, *widths, dimension]), _perceptron([dimension, *reversed(widths), columns])


def _perceptron(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class _Planes(nn.Module):
    def __init__(self, height: int, width: int, colours: int) -> None:
        super().__init__()
        self.shape = (height, width, colours)

    def forward(self, rows: Float[Tensor, "n d"]) -> Float[Tensor, "n c h w"]:
        return rows.reshape(-1, *self.shape).movedim(3, 1)


class _Rows(nn.Module):
    def forward(self, planes: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        return planes.movedim(1, 3).flatten(1)


def moved(
    rows: Float[Tensor, "n d"], shape: tuple[int, ...], shift: float, turn: float, generator: torch.Generator
) -> Float[Tensor, "n d"]:
    """Each image moved by up to `shift` pixels and turned by up to `turn` degrees, both uniform; zero comes in."""
    height, width, *colours = shape
    n, device = len(rows), rows.device
    draws = 2 * torch.rand(3, n, generator=generator, device=device, dtype=rows.dtype) - 1
    angle = draws[0] * turn * (torch.pi / 180)
    across, along = 2 * shift / width * draws[1], 2 * shift / height * draws[2]
    cos, sin, ratio = angle.cos(), angle.sin(), height / width
    places = torch.stack(
        [torch.stack([cos, -sin * ratio, across], dim=1), torch.stack([sin / ratio, cos, along], dim=1)], dim=1
    )
    planes = rows.reshape(n, height, width, colours[0] if colours else 1).movedim(3, 1)
    grid = nn.functional.affine_grid(places, list(planes.shape), align_corners=False)
    return _Rows()(nn.functional.grid_sample(planes, grid, align_corners=False))
