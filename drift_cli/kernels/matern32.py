"""The Matérn kernel of smoothness 3/2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.kernels.matern import Matern
from drift_cli.kernels.matern52 import Matern52


@dataclass(frozen=True)
class Matern32(Matern):
    r"""The Matérn kernel of smoothness 3/2, $\varphi(r) = (1 + u)\,e^{-u}$ with $u = \sqrt3\,r/\ell$.

    `bandwidth` is a length in the data's units. `log_profile` and `weight` are elementwise and keep shape, dtype and
    device; `spectrum` and `rate` are those of the family (`matern.py`).
    """

    smoothness: ClassVar[float] = 1.5
    smoother: ClassVar[type[Matern]] = Matern52

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(3) / self.bandwidth)
        return u.log1p() - u

    def weight(self, r: Tensor) -> Tensor:
        a = math.sqrt(3) / self.bandwidth
        return a**2 / (1 + a * r)
