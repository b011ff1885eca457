r"""Theorem 6.2: how long exponential annealing with hold takes with the Gaussian kernel, and what its bound needs.

Turan & Ovsjanikov, section 6.2 and eq. 19, as reconstructed; the condition is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Gaussian
from drift_cli.theory import annealing

_GAUSSIAN = Gaussian(1.0)
gaussian_rate = annealing.rate_of(_GAUSSIAN)  # g(u) = u² exp(−u²/2), with its peak 2/e at √2


@dataclass(frozen=True)
class Theorem62:
    """Theorem 6.2 at one setting: its bound, whether what it needs is given, and what was measured."""

    bound: float
    condition: bool  # exact: necessary and sufficient
    handy: bool  # r ln(1/ε) ≤ 1 − exp(−σ₀²/2)
    time: float
    slowest: int

    @property
    def ratio(self) -> float:
        """Measured time over the bound: at most 1 where the theorem holds."""
        return self.time / self.bound


def measured(modes: int, sigma_0: float, sigma_min: float, r: float, epsilon: float) -> Theorem62:
    """Bound, condition and measured time of exponential annealing with hold, for modes 1 … K, at σ_min K ≥ √2."""
    k, level = np.arange(1.0, modes + 1), math.log(1 / epsilon)
    course = annealing.exponential(sigma_0, sigma_min, math.log(sigma_0 / sigma_min) / r)
    times = annealing.crossing_times(course, gaussian_rate, k, level)
    slowest = int(np.argmax(times))
    return Theorem62(
        bound=bound(modes, sigma_0, sigma_min, r, epsilon),
        condition=r * level <= largest_product(modes, sigma_0, sigma_min),
        handy=r * level <= -math.expm1(-(sigma_0**2) / 2),
        time=float(times[slowest]),
        slowest=slowest + 1,
    )


def bound(modes: int, sigma_0: float, sigma_min: float, r: float, epsilon: float) -> float:
    r"""$\frac1r\ln\frac{\sigma_0}{\sigma_{\min}} + \ln(1/\varepsilon)/g(\sigma_{\min}K)$ (eq. 19, as reconstructed)."""
    return math.log(sigma_0 / sigma_min) / r + math.log(1 / epsilon) / float(
        gaussian_rate(np.array([sigma_min * modes]))[0]
    )


def largest_product(modes: int, sigma_0: float, sigma_min: float) -> float:
    r"""The largest r ln(1/ε) for which the bound holds; infinite where every mode is faster than K at σ_min (ours).

    Mode k meets the bound if and only if $\Lambda_k(t_1) \ge \ell\,(1 - g(\sigma_{\min}k)/g(\sigma_{\min}K))$, so

    $$r\,\ell \le \min_k
    \frac{e^{-\sigma_{\min}^2k^2/2} - e^{-\sigma_0^2k^2/2}}{1 - g(\sigma_{\min}k)/g(\sigma_{\min}K)}$$

    over the modes with $g(\sigma_{\min}k) < g(\sigma_{\min}K)$. For $K \to \infty$ the mode 1 gives the handy form
    $r\,\ell \le 1 - e^{-\sigma_0^2/2}$. The printed proof takes K for the slowest mode, which is mode 1.
    """
    k = np.arange(1.0, modes + 1)
    rates = gaussian_rate(sigma_min * k)
    short = 1 - rates / rates[-1]
    slower = short > 0
    if not slower.any():
        return math.inf
    gained = annealing.annealing_law(_GAUSSIAN, 1, k[slower], sigma_0, sigma_min, 1.0)
    return float(np.min(gained / short[slower]))
