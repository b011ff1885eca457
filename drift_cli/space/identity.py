"""The data's own training space: nothing is learned, and nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from jaxtyping import Float
from torch import Tensor

from drift_cli.data import Space, Target
from drift_cli.space.codec import Fitting


@dataclass(frozen=True)
class Identity:
    """Its own codec."""

    def fitted(self, target: Target, fitting: Fitting) -> Self:
        return self

    def kept(self, space: Space, fitting: Fitting, marks: dict[str, str]) -> Self:
        return self

    @property
    def marks(self) -> dict[str, str]:
        return {}

    @property
    def report(self) -> dict[str, Any]:
        return {}

    def codes_of(self, space: Space) -> Space:
        return space

    def coded(self, target: Target) -> Target:
        return target

    def decode(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return codes
