r"""Rates at which the modes of a small perturbation of a uniform density decay under a drift.

For a mean-shift drift with a radial kernel of spectrum $h$ (`kernels/spectral.py`) the rate is
$\lambda(\xi) = -dh/d\log|\xi|$ (ours; `kernel.rate`). Turan & Ovsjanikov's Theorem 5.2, as reconstructed, has
$\sigma^2|\xi|^2 h(\xi)$: the same for the Gaussian kernel, and for no other.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import optimize

from drift_cli.kernels import Spectral
from drift_cli.theory.fits import fit


class _Rate(Protocol):
    def __call__(self, frequency: np.ndarray) -> np.ndarray: ...


def paper_rate(kernel: Spectral, frequency: np.ndarray, d: int) -> np.ndarray:
    r"""$\sigma^2|\xi|^2\,h(\xi)$ with σ the bandwidth (Turan & Ovsjanikov, Theorem 5.2, as reconstructed)."""
    rate: np.ndarray = (kernel.bandwidth * frequency) ** 2 * kernel.spectrum(frequency, d)
    return rate


def sinkhorn_rate(frequency: np.ndarray, regularisation: float) -> np.ndarray:
    r"""$\frac{\varepsilon k^2/2}{\sinh(\varepsilon k^2/2)}$ for the drift of the Sinkhorn divergence (ours).

    The cost is ½|x − y|² and ε the entropic regularisation. Low modes have rate 1; it is 1 at frequency 0.
    """
    u = regularisation * np.asarray(frequency, dtype=float) ** 2 / 2
    safe = np.where(u > 0, u, 1.0)
    return np.where(u > 0, 2 * safe * np.exp(-safe) / -np.expm1(-2 * safe), 1.0)


def smoothed_kl_rate(frequency: np.ndarray, bandwidth: float) -> np.ndarray:
    r"""$\sigma^2k^2e^{-\sigma^2k^2}$ for σ² times the Wasserstein gradient flow of KL(q_σ ‖ p_σ) (ours)."""
    u = (bandwidth * frequency) ** 2
    return u * np.exp(-u)


def fastest(rate: _Rate, scale: float) -> float:
    """The largest value of a rate with one peak, over frequencies from 1e-3 to 1e3 in units of 1/`scale`."""
    coarse = np.linspace(np.log(1e-3), np.log(1e3), 601)
    peak = coarse[int(np.argmax(rate(np.exp(coarse) / scale)))]

    def minus(log: float) -> float:
        return -float(rate(np.array([np.exp(log) / scale]))[0])

    found = optimize.minimize_scalar(minus, bounds=(peak - 0.1, peak + 0.1), method="bounded", options={"xatol": 1e-9})
    return -float(found.fun)


def largest_step(fastest_rate: float) -> float:
    """The explicit step x ← x + ηV shrinks every mode for η < 2/max λ (ours): Gaussian e, Laplace in 1-D 4."""
    return 2 / fastest_rate


def best_constant(measured: np.ndarray, formula: np.ndarray) -> tuple[float, float]:
    r"""The constant c with which a formula r [m] comes nearest to rates λ [m], and how far it is off even so.

    With ρ = λ/r the largest $|\lambda_i/(c\,r_i) - 1|$ is least at $c = (\rho_{\max} + \rho_{\min})/2$ and then
    $(\rho_{\max} - \rho_{\min})/(\rho_{\max} + \rho_{\min})$: 0 where the formula is right up to a constant, near 1
    where no constant helps.
    """
    ratios = measured / formula
    low, high = float(ratios.min()), float(ratios.max())
    return (low + high) / 2, (high - low) / (high + low)


def decay(times: np.ndarray, amplitudes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates [m] of amplitudes [times, m] that decay exponentially, and their standard errors by the residuals."""
    fits = [fit(times, np.log(np.abs(column))) for column in amplitudes.T]
    return np.array([-found.slope for found in fits]), np.array([found.error for found in fits])
