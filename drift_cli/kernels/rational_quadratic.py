r"""The rational quadratic kernel $\varphi(r) = (1 + r^2/2\alpha\ell^2)^{-\alpha}$.

Its Fourier transform exists for $\alpha > d/2$; as a weight it may be used at any $\alpha > 0$."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class RationalQuadratic:
    bandwidth: float
    alpha: float

    def log_profile(self, r: Tensor) -> Tensor:
        return (r.square() * (0.5 / (self.alpha * self.bandwidth**2))).log1p() * -self.alpha

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)
