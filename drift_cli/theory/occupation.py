"""Does the order of bandwidths matter? The full drift equation on the torus under annealing and under a mixture (ours).

In the linear theory it does not: only the time spent at each bandwidth counts (`schedule_comparison`). Here the
nonlinear equation ∂q/∂t = −∂(qV)/∂x is integrated, uniform target, Gaussian kernel, where V = −σ² ∂ log(k * q)/∂x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drift_cli.kernels import Gaussian
from drift_cli.theory.torus_flow import Torus, change, runge_kutta, superposed

_TORUS = Torus(64, 1)  # for 10 modes: their products up to the third order stay below the Nyquist mode
_KERNEL = Gaussian(1.0)


def total_error(q: np.ndarray) -> float:
    r"""$\sum_{k\ge1}|\hat\eta_k|^2$ of a density [n] on the circle relative to the uniform one."""
    return float((np.abs(_TORUS.transform(q / q.mean() - 1)[1:] / _TORUS.n) ** 2).sum())


def perturbed(modes: int, amplitude: float, seed: int) -> np.ndarray:
    """1 + Σ amplitude · cos(kx + phase) for k = 1 … modes, with random phases."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, modes)
    return superposed(_TORUS, np.arange(1, modes + 1)[:, None], amplitude, phases)


def velocity(q: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
    """The mean of V_σ over the bandwidths, [1, n], by the kernel's transform: `torus_flow` samples it on the grid."""
    k = np.arange(_TORUS.n // 2 + 1)
    smooth = _TORUS.back(_TORUS.transform(q) * _KERNEL.spectrum(bandwidths[:, None] * k, 1))
    fields = bandwidths[:, None] ** 2 * _TORUS.divergence(np.log(smooth)[:, None])
    mean: np.ndarray = fields.mean(axis=0, keepdims=True)
    return -mean


def after(q: np.ndarray, stairs: Sequence[np.ndarray], duration: float, steps: int) -> np.ndarray:
    """q after the stairs, each an equal part of the duration with the mean drift of its bandwidths."""
    for bandwidths in stairs:
        q = _held(q, bandwidths, duration / (len(stairs) * steps), steps)
    return q


def _held(q: np.ndarray, bandwidths: np.ndarray, step: float, steps: int) -> np.ndarray:
    for _ in range(steps):
        q = runge_kutta(lambda _, at: change(_TORUS, lambda at: velocity(at, bandwidths), at), 0, q, step)
    return q


def order_matters(modes: int, amplitude: float, bandwidths: np.ndarray, duration: float, seed: int) -> dict[str, float]:
    """Total errors at the end, from `perturbed`: bandwidths from the largest `down`, `up`, all at once (`mixture`).

    `linear`: what the linear theory says of all three.
    """
    q, falling = perturbed(modes, amplitude, seed), np.sort(bandwidths)[::-1]
    stairs = {"down": list(falling[:, None]), "up": list(falling[::-1, None]), "mixture": [falling] * len(falling)}
    decay = duration * _KERNEL.rate(falling * np.arange(1, modes + 1)[:, None], 1).mean(axis=1)
    return {
        **{name: total_error(after(q, each, duration, 10)) for name, each in stairs.items()},
        "linear": float((amplitude**2 / 4 * np.exp(-2 * decay)).sum()),
    }
