"""The Matérn kernel of smoothness 5/2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.kernels.matern import Matern
from drift_cli.kernels.matern72 import Matern72


@dataclass(frozen=True)
class Matern52(Matern):
    r"""The Matérn kernel of smoothness 5/2, $\varphi(r) = (1 + u + u^2/3)\,e^{-u}$ with $u = \sqrt5\,r/\ell$.

    `bandwidth` is a length in the data's units. `log_profile` and `weight` are elementwise and keep shape, dtype and
    device; `spectrum` and `rate` are those of the family (`matern.py`).
    """

    smoothness: ClassVar[float] = 2.5
    smoother: ClassVar[type[Matern]] = Matern72

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(5) / self.bandwidth)
        return (u + u.square() / 3).log1p() - u

    def weight(self, r: Tensor) -> Tensor:
        a = math.sqrt(5) / self.bandwidth
        u = a * r
        return a**2 * (1 + u) / (3 * (1 + u + u.square() / 3))
