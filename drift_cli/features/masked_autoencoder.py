"""Features of a small masked autoencoder (He et al. 2022), learned from the data without classes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn.functional import interpolate

from drift_cli.data import Finite, Target
from drift_cli.data.planes import Shape, image_shape
from drift_cli.features.base import Features, drawn, finite, learned
from drift_cli.features.trunk import Epochs, Trunk, Width
from drift_cli.learned import fit
from drift_cli.rules import between
from drift_cli.setting import Checked, Setting
from drift_cli.space import Fitting

_PATCHES = 7  # a side has about so many


@dataclass(frozen=True)
class MaskedAutoencoder(Checked):
    """Its encoder's three maps. A share of the patches is set to zero, and the network paints them from the others; the
    loss is the mean square error there. Convolutional, as Deng et al.'s."""

    width: Width
    epochs: Epochs
    masked: Annotated[float, Setting("share of the patches that are hidden", (partial(between, low=0.05, high=0.95),))]

    def fitted(self, target: Target, fitting: Fitting) -> Features:
        who = "drift.encoder=masked_autoencoder"
        shape, data = (
            image_shape(target.space, who, "space=identity or another drift"),
            finite(target, "masked_autoencoder"),
        )
        network = drawn(fitting.seed, lambda: _Network(shape, self.width))
        assert isinstance(network, _Network)
        return learned("masked_autoencoder", network, lambda: self._learn(network, data, fitting), data, fitting, self)

    def _learn(self, network: _Network, data: Finite, fitting: Fitting) -> dict[str, Any]:
        began, points = time.perf_counter(), data.points.to(fitting.device, torch.float32)

        def loss(rows: Int[Tensor, " b"], draws: Generator) -> Tensor:
            planes = network.planes(points[rows])
            hidden = network.hidden(planes, self.masked, draws)
            error = (network.paint(network.of_planes(planes * ~hidden)[-1]) - planes).square()
            return (error * hidden).sum() / (hidden.sum() * planes.shape[1]).clamp(min=1)

        fit(network, loss, len(points), fitting.seed, epochs=self.epochs)
        with torch.no_grad():
            final = loss(torch.arange(min(len(points), 1000)), torch.Generator(fitting.device).manual_seed(0))
        weights = sum(weight.numel() for weight in network.parameters())
        return {"parameters": weights, "error": math.sqrt(float(final)), "seconds": time.perf_counter() - began}


class _Network(Trunk):
    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__(shape, width)
        inner, halved = 2 * width, math.prod(self.strides)
        self.patch = max(1, round(max(shape[:2]) / _PATCHES))
        self.decoder = nn.Sequential(
            nn.Conv2d(self.channels, inner, 3, padding=1), nn.SiLU(), nn.Conv2d(inner, shape[2] * halved**2, 1),
            nn.PixelShuffle(halved),
        )  # fmt: skip

    def hidden(self, planes: Float[Tensor, "n c h w"], share: float, draws: Generator) -> Tensor:
        """Which pixels are hidden, [n, 1, h, w]: patches, each with this chance."""
        sides = [-(-side // self.patch) for side in self.shape[:2]]
        chosen = torch.rand(len(planes), 1, *sides, generator=draws, device=planes.device) < share
        whole = interpolate(chosen.float(), scale_factor=float(self.patch), mode="nearest") > 0
        return whole[:, :, : self.shape[0], : self.shape[1]]

    def paint(self, last: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return self.decoder(last)[:, :, : self.shape[0], : self.shape[1]]
