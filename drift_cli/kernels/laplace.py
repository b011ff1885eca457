r"""The exponential ("Laplacian") kernel $\varphi(r) = e^{-r/\tau}$ of the Euclidean norm (Deng et al.)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Laplace:
    bandwidth: float

    def log_profile(self, r: Tensor) -> Tensor:
        return r * (-1 / self.bandwidth)

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)
