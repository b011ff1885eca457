r"""Kernels in Fourier space, for those that have a transform.

For $k(z) = \varphi(|z|)$ in $\mathbb R^d$ the *spectrum* is $h(\xi) = \hat k(\xi)/\hat k(0)$, a function of
$|\xi|$; near a uniform density the mean-shift drift makes the mode $\xi$ of a perturbation decay at the rate

$$\lambda(\xi) = -\frac{d\,h}{d\log|\xi|}$$

(ours; it agrees with Turan & Ovsjanikov's Theorem 5.2 only for the Gaussian kernel).
"""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy import special

from drift_cli.kernels.base import Kernel


@runtime_checkable
class Spectral(Kernel, Protocol):
    """A kernel with a Fourier transform. Frequencies are angular, |ξ| ≥ 0, in reciprocal units of length."""

    def log_integral(self, d: int) -> float:
        """log ∫ φ(|z|) dz = log k̂(0) in d dimensions. Raises `ValueError` if the integral is infinite."""
        ...

    def spectrum(self, frequency: Float[np.ndarray, " *k"], d: int) -> Float[np.ndarray, " *k"]:
        """h(ξ) in d dimensions; 1 at zero."""
        ...

    def rate(self, frequency: Float[np.ndarray, " *k"], d: int) -> Float[np.ndarray, " *k"]:
        """λ(ξ) in d dimensions, per unit of the flow's time; 0 at zero."""
        ...


@runtime_checkable
class Invertible(Spectral, Protocol):
    """A kernel whose spectrum has an inverse in closed form."""

    def frequency_at(self, level: float, d: int) -> float:
        """|ξ| with h(ξ) = `level`, in (0, 1]."""
        ...


def scaled_bessel(order: float, z: np.ndarray) -> np.ndarray:
    r"""$\frac{2^{1-\nu}}{\Gamma(\nu)}\,z^\nu K_\nu(z)$, whose limit at zero is 1 (ν > 0)."""
    z = np.asarray(z, dtype=float)
    safe = np.where(z > 0, z, 1.0)
    logs = (1 - order) * math.log(2) - math.lgamma(order) + order * np.log(safe) - safe
    return np.where(z > 0, np.exp(logs) * special.kve(order, safe), 1.0)


def bessel_rate(order: float, z: np.ndarray) -> np.ndarray:
    r"""$-z\,\frac{d}{dz}$ of `scaled_bessel`: $\frac{2^{1-\nu}}{\Gamma(\nu)}\,z^{\nu+1}K_{\nu-1}(z)$; 0 at zero."""
    z = np.asarray(z, dtype=float)
    safe = np.where(z > 0, z, 1.0)
    logs = (1 - order) * math.log(2) - math.lgamma(order) + (order + 1) * np.log(safe) - safe
    return np.where(z > 0, np.exp(logs) * special.kve(abs(order - 1), safe), 0.0)
