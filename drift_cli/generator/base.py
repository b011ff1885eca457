"""The trained object: a parametrised distribution q that can be sampled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from drift_cli.data.target import Target


class SampleGenerator(nn.Module, ABC):
    """A torch module whose parameters define q, and what it says of itself.

    `of_images`: it makes images and nothing else. `capturable`: a GPU can capture a step of it. `conditions`: how many
    it is given, `guided`: whether also the strength of guidance. `count`: of how many samples q consists; None: any.
    """

    of_images: ClassVar[bool] = False
    capturable: ClassVar[bool] = False
    conditions: int = 0
    guided: bool = False

    @property
    def count(self) -> int | None:
        return None

    @abstractmethod
    def sample(self, n: int, generator: Generator, labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        """n samples of q, differentiable in the parameters; of the given classes where there are classes."""

    @abstractmethod
    def initialise(self, target: Target, seed: Generator) -> None:
        """Give the parameters their first values, drawn from the CPU generator `seed`: the same on every device.

        Raises `UserError` for a target that this kind of generator cannot have.
        """

    @abstractmethod
    def loss_scale(self, n: int) -> float:
        """What the mean loss over n samples is multiplied by before the gradient is taken."""


def check_labels(labels: Tensor | None, classes: int) -> None:
    """A class-conditional generator needs labels, and an unconditional one takes none."""
    if (labels is None) != (classes == 0):
        raise ValueError(f"a generator with {classes} classes was given labels: {labels is not None}")


def one_hot(labels: Int[Tensor, " n"], classes: int, dtype: torch.dtype) -> Float[Tensor, "n c"]:
    """Classes [n] as rows [n, classes] with a single 1."""
    return nn.functional.one_hot(labels, classes).to(dtype)
