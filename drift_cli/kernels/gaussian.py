r"""The Gaussian kernel $\varphi(r) = e^{-r^2/2\sigma^2}$.

Its drift is a score difference (Turan & Ovsjanikov, Theorem 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    bandwidth: float

    def log_profile(self, r: Tensor) -> Tensor:
        return r.square() * (-0.5 / self.bandwidth**2)

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)
