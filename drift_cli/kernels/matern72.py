r"""The Matérn kernel of smoothness 7/2, $\varphi(r) = (1 + u + 2u^2/5 + u^3/15)\,e^{-u}$ with $u = \sqrt7\,r/\ell$.

It cannot be selected by name: it is the sharp companion of the Matérn 5/2 kernel (`sharp.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.kernels.matern import Matern


@dataclass(frozen=True)
class Matern72(Matern):
    """Its `log_profile` and `scaled` serve the masses of `drift=sharp`; it has no `weight`."""

    smoothness: ClassVar[float] = 3.5

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(7) / self.bandwidth)
        return (u * (1 + u * (2 / 5 + u / 15))).log1p() - u
