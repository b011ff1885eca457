"""The rational quadratic kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from torch import Tensor

from drift_cli.errors import UserError
from drift_cli.kernels.base import OfBandwidth
from drift_cli.kernels.sharp import Companion
from drift_cli.kernels.spectral import bessel_rate, scaled_bessel
from drift_cli.rules import positive
from drift_cli.setting import Setting


@dataclass(frozen=True)
class RationalQuadratic(OfBandwidth):
    r"""The rational quadratic kernel $\varphi(r) = (1 + r^2/2\alpha\ell^2)^{-\alpha}$.

    Its Fourier transform exists for $\alpha > d/2$; as a weight the kernel can be used at any $\alpha > 0$.

    `bandwidth` is a length in the data's units. `log_profile`, `weight` and `rate` are elementwise and keep shape,
    dtype and device; `spectrum` is the normalised Fourier transform, `rate` −d spectrum/d log|ξ|, both of |ξ| in d
    dimensions. Both raise `ValueError` for α ≤ d/2.
    """

    alpha: Annotated[
        float, Setting("exponent: the smaller, the heavier the tail; infinity is the Gaussian", (positive,))
    ]

    def log_profile(self, r: Tensor) -> Tensor:
        return (r.square() * (0.5 / (self.alpha * self.bandwidth**2))).log1p() * -self.alpha

    def weight(self, r: Tensor) -> Tensor:
        return 1 / (self.bandwidth**2 + r.square() / (2 * self.alpha))

    def log_integral(self, d: int) -> float:
        """From the kernel's form as a Gamma mixture of Gaussians; finite for α > d/2."""
        order = self._order(d)
        return (
            d / 2 * math.log(2 * math.pi * self.alpha * self.bandwidth**2)
            + math.lgamma(order)
            - math.lgamma(self.alpha)
        )

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        r"""$\frac{2^{1-\nu}}{\Gamma(\nu)} z^\nu K_\nu(z)$ with ν = α − d/2 and z = √(2α) ℓ|ξ|."""
        return scaled_bessel(self._order(d), math.sqrt(2 * self.alpha) * self.bandwidth * frequency)

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        r"""$\frac{2^{1-\nu}}{\Gamma(\nu)} z^{\nu+1} K_{\nu-1}(z)$, by $(z^\nu K_\nu)' = -z^\nu K_{\nu-1}$."""
        return bessel_rate(self._order(d), math.sqrt(2 * self.alpha) * self.bandwidth * frequency)

    def companion(self) -> Companion:
        """One power less, the same decay: finite for α > 1, raises `UserError` below."""
        if self.alpha <= 1:
            raise UserError(
                "drift=sharp needs kernel.alpha above 1, where the companion of a rational quadratic is finite, got "
                f"{self.alpha}: raise it, or choose another kernel."
            )
        height = self.bandwidth**2 * self.alpha / (self.alpha - 1)
        return Companion(RationalQuadratic(math.sqrt(height), self.alpha - 1), height)

    def _order(self, d: int) -> float:
        if self.alpha <= d / 2:
            raise ValueError(f"a rational quadratic has a Fourier transform in {d} dimensions for alpha > {d / 2} only")
        return self.alpha - d / 2
