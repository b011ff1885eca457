r"""A multilayer perceptron $x = f_\theta(\varepsilon)$, $\varepsilon \sim N(0, I)$.

The paper's has three hidden layers of ReLU. Class labels enter as one-hot coordinates beside the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Annotated, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from drift_cli.data.space import Space
from drift_cli.errors import UserError
from drift_cli.generator.base import check_labels, one_hot
from drift_cli.generator.network import MOST_WEIGHTS, Network
from drift_cli.rules import at_least, between, one_of
from drift_cli.setting import Setting

_least = partial(at_least, least=1)

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
}

_MOST_NOISE = 32  # dimensions of noise where the settings leave it open


class Mlp(Network):
    at_once = 8192

    def __init__(self, noise: int, widths: Sequence[int], dimension: int, activation: str, classes: int = 0) -> None:
        super().__init__(noise, classes)
        sizes = [noise + classes, *widths]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), _ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], dimension))

    @classmethod
    def from_settings(
        cls,
        space: Space,
        /,
        widths: Annotated[
            tuple[int, ...], Setting("units of each hidden layer", (partial(between, low=1, high=65_536),))
        ],
        noise: Annotated[
            int | None, Setting("dimension of the noise; null: twice that of the data, at most 32", (_least,))
        ],
        activation: Annotated[str, Setting("of the hidden layers", (partial(one_of, choices=tuple(_ACTIVATIONS)),))],
    ) -> Self:
        """A network from noise to the points of `space`, of its classes where it has some."""
        inputs = noise if noise is not None else min(2 * space.dimension, _MOST_NOISE)
        return cls(inputs, widths, space.dimension, activation, len(space.class_frequencies or ()))

    @staticmethod
    def check_settings(widths: Sequence[int], **_: object) -> None:
        weights = sum(inputs * outputs for inputs, outputs in pairwise(widths))
        if weights > MOST_WEIGHTS:
            raise UserError(
                f"generator.widths={list(widths)} are {weights:,} weights, above the {MOST_WEIGHTS:,} of the largest "
                "network here: lower them."
            )

    def forward(self, noise: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        check_labels(labels, self.classes)
        if labels is None:
            return self.layers(noise)
        return self.layers(torch.cat([noise, one_hot(labels, self.classes, noise.dtype)], dim=1))
