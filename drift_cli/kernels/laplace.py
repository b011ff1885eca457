"""The exponential kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.kernels.matern import Matern
from drift_cli.kernels.matern32 import Matern32


@dataclass(frozen=True)
class Laplace(Matern):
    r"""The exponential ("Laplacian") kernel $\varphi(r) = e^{-r/\tau}$ of the Euclidean norm (Deng et al.).

    `bandwidth` is a length in the data's units. `log_profile` and `weight` are elementwise and keep shape, dtype and
    device; `spectrum` and `rate` are those of the family (`matern.py`).
    """

    smoothness: ClassVar[float] = 0.5
    smoother: ClassVar[type[Matern]] = Matern32

    def log_profile(self, r: Tensor) -> Tensor:
        return r * (-1 / self.bandwidth)

    def weight(self, r: Tensor) -> Tensor:
        return 1 / (r * self.bandwidth)
