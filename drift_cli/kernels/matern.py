r"""The Matérn kernels, one family in Fourier space and told apart by their smoothness ν:

$$h(\xi) = (1 + s^2|\xi|^2)^{-(\nu + d/2)}, \qquad s = \ell/\sqrt{2\nu}.$$

Their profiles have closed forms for ν = 1/2 (the Laplace kernel), 3/2, 5/2 and so on, one file each.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from drift_cli.kernels.base import OfBandwidth
from drift_cli.kernels.sharp import Companion


@dataclass(frozen=True)
class Matern(OfBandwidth, ABC):
    """`smoothness` is ν, `smoother` the kernel of ν + 1.

    `spectrum` is the normalised Fourier transform h, `rate` −dh/d log|ξ|, both elementwise in |ξ| and in d dimensions.
    """

    smoothness: ClassVar[float]
    smoother: ClassVar[type[Matern]]

    @abstractmethod
    def log_profile(self, r: Tensor) -> Tensor: ...

    @property
    def scale(self) -> float:
        """s, a length."""
        return self.bandwidth / math.sqrt(2 * self.smoothness)

    def log_integral(self, d: int) -> float:
        r"""$\log\big[2^d\pi^{d/2}\,\Gamma(\nu + d/2)/\Gamma(\nu)\big] + d\log s$."""
        gammas = math.lgamma(self.smoothness + d / 2) - math.lgamma(self.smoothness)
        return d * math.log(2 * self.scale) + d / 2 * math.log(math.pi) + gammas

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        return np.exp(-(self.smoothness + d / 2) * np.log1p((self.scale * frequency) ** 2))

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        r"""$(2\nu + d)\,s^2\xi^2\,(1 + s^2\xi^2)^{-(\nu + d/2) - 1}$."""
        u = (self.scale * frequency) ** 2
        rate: np.ndarray = (2 * self.smoothness + d) * u / (1 + u) * self.spectrum(frequency, d)
        return rate

    def frequency_at(self, level: float, d: int) -> float:
        """|ξ| with h(ξ) = `level`, in (0, 1]."""
        return math.sqrt(math.expm1(-1 / (self.smoothness + d / 2) * math.log(level))) / self.scale

    def companion(self) -> Companion:
        """The next smoother kernel with the same decay."""
        widened = math.sqrt((self.smoothness + 1) / self.smoothness) * self.bandwidth
        return Companion(self.smoother(widened), self.bandwidth**2)
