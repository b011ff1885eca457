r"""The Matérn kernel of smoothness 3/2, $\varphi(r) = (1 + u)\,e^{-u}$ with $u = \sqrt3\,r/\ell$."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor


@dataclass(frozen=True)
class Matern32:
    bandwidth: float

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(3) / self.bandwidth)
        return u.log1p() - u

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)
