"""A multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar, Self

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from drift_cli.data.noise import integers, normal
from drift_cli.data.space import Space
from drift_cli.data.target import Target
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
    r"""A multilayer perceptron $x = f_\theta(\varepsilon)$, $\varepsilon \sim N(0, I)$.

    The paper's has three hidden layers of ReLU. Class labels enter as one-hot coordinates in addition to the noise.
    Conditions c are coordinates of the noise that are drawn from the data, and of the sample $(f_\theta(\varepsilon,
    c), c)$.
    """

    at_once = 8192
    seen: Tensor  # conditions of the data
    capturable: ClassVar[bool] = True

    def __init__(
        self,
        noise: int,
        widths: Sequence[int],
        dimension: int,
        activation: str,
        classes: int = 0,
        conditions: int = 0,
        kept: int = 0,
        *,
        guided: bool = False,
    ) -> None:
        """The last `conditions` of the noise, and of the dimension, are conditions; `kept` of them are drawn from."""
        super().__init__(noise, classes, guided=guided)
        self.conditions = conditions
        if conditions:
            self.register_buffer("seen", torch.zeros(kept, conditions))
        sizes = [noise + classes, *widths]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), _ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], dimension - conditions))

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
        activation: Annotated[
            str, Setting("activation of the hidden layers", (partial(one_of, choices=tuple(_ACTIVATIONS)),))
        ],
    ) -> Self:
        """A network from noise to the points of `space`, of its classes where it has some."""
        given, classes = space.conditions, len(space.class_frequencies or ())
        inputs = noise if noise is not None else min(2 * (space.dimension - given), _MOST_NOISE)
        sizes = inputs + given + space.guidance, widths, space.dimension
        return cls(*sizes, activation, classes, given, space.conditions_kept, guided=space.guidance)

    @staticmethod
    def check_settings(widths: Sequence[int], **_: object) -> None:
        weights = sum(inputs * outputs for inputs, outputs in pairwise(widths))
        if weights > MOST_WEIGHTS:
            raise UserError(
                f"generator.widths={list(widths)} are {weights:,} weights, above the {MOST_WEIGHTS:,} allowed here: "
                "lower them."
            )

    def forward(self, noise: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        check_labels(labels, self.classes)
        classes = [] if labels is None else [one_hot(labels, self.classes, noise.dtype)]
        made = self.layers(torch.cat([noise, *classes], dim=1) if classes else noise)
        return torch.cat([made, noise[:, -self.conditions :]], dim=1) if self.conditions else made

    def initialise(self, target: Target, seed: Generator) -> None:
        super().initialise(target, seed)
        if self.conditions:
            every = target.sample(len(self.seen), seed, torch.float64).points
            self.seen = every[:, -self.conditions :].clone()

    def draw(self, n: int, generator: Generator) -> Float[Tensor, "n z"]:
        """The noise that n samples are made from, and their conditions behind it."""
        if not self.conditions:
            return super().draw(n, generator)
        noise = normal(n, self.noise - self.conditions, generator=generator, dtype=next(self.parameters()).dtype)
        return torch.cat([noise, self.seen[integers(len(self.seen), n, generator)]], dim=1)
