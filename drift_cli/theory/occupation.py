"""Does the order of bandwidths matter? The full drift equation on the torus under annealing and under a mixture (ours).

In the linear theory it does not: only the time spent at each bandwidth counts (`schedule_comparison`). Here the
nonlinear equation ∂q/∂t = −∂(qV)/∂x is integrated, uniform target, Gaussian kernel, where V = −σ² ∂ log(k * q)/∂x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_POINTS = 64  # of the torus, against 10 modes: their products up to the third order stay below the Nyquist mode


def total_error(q: np.ndarray) -> float:
    """Σ|η_k|² of the density relative to the uniform one."""
    return float((np.abs(np.fft.rfft(q / q.mean() - 1)[1:] / len(q)) ** 2).sum())


def perturbed(modes: int, amplitude: float, seed: int) -> np.ndarray:
    """1 + Σ amplitude · cos(kx + phase) for k = 1 … modes, with random phases."""
    x = 2 * np.pi * np.arange(_POINTS) / _POINTS
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, modes)
    return 1 + amplitude * np.sum([np.cos(k * x + phase) for k, phase in enumerate(phases, 1)], axis=0)


def velocity(q: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
    """The mean of V_σ over the bandwidths, at the points of the grid."""
    k = np.arange(_POINTS // 2 + 1)
    smooth = np.fft.irfft(np.fft.rfft(q) * np.exp(-((bandwidths[:, None] * k) ** 2) / 2), _POINTS)
    slope = np.fft.irfft(1j * k * np.fft.rfft(np.log(smooth)), _POINTS)
    return -(bandwidths[:, None] ** 2 * slope).mean(axis=0)


def after(q: np.ndarray, stairs: Sequence[np.ndarray], duration: float, steps: int) -> np.ndarray:
    """q after the stairs, each an equal part of the duration with the mean drift of its bandwidths, by RK4."""
    k, dt = np.arange(_POINTS // 2 + 1), duration / (len(stairs) * steps)

    def slope(q: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
        return -np.fft.irfft(1j * k * np.fft.rfft(q * velocity(q, bandwidths)), _POINTS)

    for bandwidths in stairs:
        for _ in range(steps):
            a = slope(q, bandwidths)
            b = slope(q + dt / 2 * a, bandwidths)
            c = slope(q + dt / 2 * b, bandwidths)
            q = q + dt / 6 * (a + 2 * b + 2 * c + slope(q + dt * c, bandwidths))
    return q


def order_matters(modes: int, amplitude: float, bandwidths: np.ndarray, duration: float, seed: int) -> dict[str, float]:
    """Total errors at the end: bandwidths from the largest down, up, all at once, and what the linear theory says."""
    q, falling = perturbed(modes, amplitude, seed), np.sort(bandwidths)[::-1]
    down, up = [[sigma] for sigma in falling], [[sigma] for sigma in falling[::-1]]
    u = falling * np.arange(1, modes + 1)[:, None]
    decay = duration * (u**2 * np.exp(-(u**2) / 2)).mean(axis=1)
    return {
        "down": total_error(after(q, [np.array(stair) for stair in down], duration, 10)),
        "up": total_error(after(q, [np.array(stair) for stair in up], duration, 10)),
        "mixture": total_error(after(q, [falling] * len(falling), duration, 10)),
        "linear": float((amplitude**2 / 4 * np.exp(-2 * decay)).sum()),
    }
