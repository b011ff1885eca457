"""The exponential kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from torch import Tensor

from drift_cli.kernels.base import Bandwidth
from drift_cli.kernels.spectral import matern_log_integral, matern_rate, matern_spectrum
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Laplace(Checked):
    r"""The exponential ("Laplacian") kernel $\varphi(r) = e^{-r/\tau}$ of the Euclidean norm (Deng et al.).

    `bandwidth` is a length in the data's units. `log_profile`, `weight` and `rate` are elementwise and keep shape,
    dtype and device; `spectrum` is the normalised Fourier transform, `rate` −d spectrum/d log|ξ|, both of |ξ| in d
    dimensions.
    """

    bandwidth: Bandwidth

    def log_profile(self, r: Tensor) -> Tensor:
        return r * (-1 / self.bandwidth)

    def scaled(self, factor: float) -> Self:
        return replace(self, bandwidth=factor * self.bandwidth)

    def weight(self, r: Tensor) -> Tensor:
        return 1 / (r * self.bandwidth)

    def log_integral(self, d: int) -> float:
        return matern_log_integral(self.bandwidth, 0.5, d)

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return matern_spectrum(frequency, self.bandwidth, 0.5, d)

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return matern_rate(frequency, self.bandwidth, 0.5, d)
