r"""The Matérn kernel of smoothness 5/2, $\varphi(r) = (1 + u + u^2/3)\,e^{-u}$ with $u = \sqrt5\,r/\ell$."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Matern52:
    bandwidth: float

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(5) / self.bandwidth)
        return (u + u.square() / 3).log1p() - u

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)
