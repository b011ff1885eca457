"""The Matérn kernel of smoothness 5/2."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from torch import Tensor

from drift_cli.kernels.base import Bandwidth
from drift_cli.kernels.spectral import matern_log_integral, matern_rate, matern_spectrum
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Matern52(Checked):
    r"""The Matérn kernel of smoothness 5/2, $\varphi(r) = (1 + u + u^2/3)\,e^{-u}$ with $u = \sqrt5\,r/\ell$.

    `bandwidth` is a length in the data's units. `log_profile`, `weight` and `rate` are elementwise and keep shape,
    dtype and device; `spectrum` is the normalised Fourier transform, `rate` −d spectrum/d log|ξ|, both of |ξ| in d
    dimensions.
    """

    bandwidth: Bandwidth

    def log_profile(self, r: Tensor) -> Tensor:
        u = r * (math.sqrt(5) / self.bandwidth)
        return (u + u.square() / 3).log1p() - u

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)

    def weight(self, r: Tensor) -> Tensor:
        a = math.sqrt(5) / self.bandwidth
        u = a * r
        return a**2 * (1 + u) / (3 * (1 + u + u.square() / 3))

    def log_integral(self, d: int) -> float:
        return matern_log_integral(self.bandwidth / math.sqrt(5), 2.5, d)

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return matern_spectrum(frequency, self.bandwidth / math.sqrt(5), 2.5, d)

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return matern_rate(frequency, self.bandwidth / math.sqrt(5), 2.5, d)
