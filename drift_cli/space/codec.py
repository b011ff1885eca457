"""Between the training space of the data and the codes that drift and generator see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.data import Space, Target
from drift_cli.learned import Shelf


class Codec(Protocol):
    """`marks`: the file that holds what was learned and the content of its weights, for a checkpoint; empty where
    nothing was. `report`: numbers of what was learned, by name."""

    @property
    def marks(self) -> dict[str, str]: ...

    @property
    def report(self) -> dict[str, Any]: ...

    def codes_of(self, space: Space) -> Space:
        """The space of the codes of points of `space`."""
        ...

    def coded(self, target: Target) -> Target:
        """The target as the drift sees it."""
        ...

    def decode(self, codes: Float[Tensor, "n k"]) -> Float[Tensor, "n d"]:
        """The points of the training space that these codes stand for, on the same device and in the same type."""
        ...


@dataclass(frozen=True)
class Fitting:
    """What a run hands over: the seed and the device, and the shelf on which learned networks stand.

    `closed`: the run has been trained with what is stored there, so that nothing is trained again.
    """

    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    shelf: Shelf = field(default_factory=Shelf)
    closed: bool = False


class Where(Protocol):
    """An object of the group `space`."""

    def fitted(self, target: Target, fitting: Fitting) -> Codec:
        """The codec of this target. Raises `UserError` for a target that has none."""
        ...

    def kept(self, space: Space, fitting: Fitting, marks: dict[str, str]) -> Codec:
        """The codec that a checkpoint was trained with, by its marks alone. Raises `UserError` where it is gone."""
        ...
