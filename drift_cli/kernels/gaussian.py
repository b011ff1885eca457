"""The Gaussian kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drift_cli.kernels.base import OfBandwidth
from drift_cli.kernels.sharp import Companion


@dataclass(frozen=True)
class Gaussian(OfBandwidth):
    r"""The Gaussian kernel $\varphi(r) = e^{-r^2/2\sigma^2}$.

    Its drift is a score difference (Turan & Ovsjanikov, Theorem 4.1).

    `bandwidth` is a length in the data's units. `log_profile`, `weight` and `rate` are elementwise and keep shape,
    dtype and device; `spectrum` is the normalised Fourier transform, `rate` −d spectrum/d log|ξ|, both of |ξ| in d
    dimensions.
    """

    def log_profile(self, r: Tensor) -> Tensor:
        return r.square() * (-0.5 / self.bandwidth**2)

    def weight(self, r: Tensor) -> Tensor:
        return torch.full_like(r, 1 / self.bandwidth**2)

    def log_integral(self, d: int) -> float:
        return d / 2 * math.log(2 * math.pi) + d * math.log(self.bandwidth)

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return np.exp(-((self.bandwidth * frequency) ** 2) / 2)

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        rate: np.ndarray = (self.bandwidth * frequency) ** 2 * self.spectrum(frequency, d)
        return rate

    def frequency_at(self, level: float, d: int) -> float:
        """|ξ| with h(ξ) = `level`, in (0, 1]."""
        return math.sqrt(-2 * math.log(level)) / self.bandwidth

    def companion(self) -> Companion:
        """Itself."""
        return Companion(self, self.bandwidth**2)
