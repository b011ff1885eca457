r"""The drift linearised around a non-uniform target (ours).

With $A_xf = \int k(x, y)(y - x)f(y)\,dy$ and $K_xf = \int k(x, y)f(y)\,dy$ a small $\delta q$ at $q = p$ moves the
mean shift by $\delta M = (A\,\delta q - M_p\,K\,\delta q)/Kp$, and then
$\partial_t\delta q = \nabla\cdot(p\,\delta M) =: -L\,\delta q$.

For $p = N(0, s^2)$ and the Gaussian kernel $L$ is triangular on $(-\partial)^np$, with eigenvalues
$n(1 - \beta)\beta^{n-1}$, $\beta = s^2/(s^2 + \sigma^2)$. On the circle with $p \propto 1 + a\cos x$ eigenvalues of $L$
are complex. The linearisation of a gradient flow at a minimum is (positive)·(symmetric) in any metric and has real
eigenvalues, so the drift there is the gradient flow of no smooth functional.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import linalg

from drift_cli.kernels import Kernel
from drift_cli.theory.torus_flow import (
    PERIOD,
    PeriodicKernel,
    Torus,
    Velocity,
    change,
    drift,
    runge_kutta,
)

_REACH = 12.0  # the half-line of the Gaussian target, in its standard deviations
_NODES = 1601


def gaussian_target_rates(count: int, scale: float, bandwidth: float) -> np.ndarray:
    """n(1 − β)βⁿ⁻¹ for n = 1 … count: target N(0, scale²), Gaussian kernel."""
    n, beta = np.arange(1, count + 1), scale**2 / (scale**2 + bandwidth**2)
    return n * (1 - beta) * beta ** (n - 1)


def homogeneous_estimate(count: int, scale: float, bandwidth: float) -> np.ndarray:
    r"""What the uniform theory would give at $k^2 = n/s^2$: $\sigma^2k^2e^{-\sigma^2k^2/2}$."""
    u = np.arange(1, count + 1) * (bandwidth / scale) ** 2
    return u * np.exp(-u / 2)


def gaussian_target_matrix(kernel: Kernel, count: int, scale: float) -> np.ndarray:
    r"""L on $\mathrm{He}_n(x/s)\,p/\sqrt{n!}$, n = 1 … count, by quadrature of the mean shift's own definition.

    The trapezoidal rule converges faster than any power here; entries are the products of $L$ with
    $\mathrm{He}_m/\sqrt{m!}$, integrated by parts. No property of the Gaussian kernel is used.
    """
    x = np.linspace(-_REACH * scale, _REACH * scale, _NODES)
    h = x[1] - x[0]
    p = np.exp(-((x / scale) ** 2) / 2) / (scale * np.sqrt(2 * np.pi))
    polynomials = _hermite(x / scale, count)
    k = kernel.log_profile(torch.from_numpy(np.abs(x[:, None] - x))).exp().numpy()
    first = k * (x - x[:, None])  # k(x, y)(y − x)
    mass = k @ p
    perturbations = (polynomials[1:] * p).T
    shift = (first @ perturbations - (first @ p / mass)[:, None] * (k @ perturbations)) / mass[:, None]
    slopes = np.sqrt(np.arange(1, count + 1))[:, None] / scale * polynomials[:-1]  # of He_m/√m!
    matrix: np.ndarray = (slopes * p) @ shift * h
    return matrix


def _hermite(x: np.ndarray, count: int) -> np.ndarray:
    """He_n(x)/√n! for n = 0 … count, by their recurrence."""
    rows = [np.ones_like(x), x]
    for n in range(1, count):
        rows.append((x * rows[n] - np.sqrt(n) * rows[n - 1]) / np.sqrt(n + 1))
    return np.array(rows)


def tilted(torus: Torus, a: float) -> np.ndarray:
    """The density (1 + a cos x)/2π on the circle."""
    density: np.ndarray = (1 + a * np.cos(torus.points[0])) / PERIOD
    return density


def torus_matrix(kernel: PeriodicKernel, p: np.ndarray, smoothed: bool = False) -> np.ndarray:
    """L on the values at the grid's points, [n, n]; `smoothed` for the gradient flow of the smoothed KL.

    Columns are L of unit vectors, by the grid's own convolutions and derivative.
    """
    torus = kernel.torus
    unit = np.eye(torus.n)
    coefficients = torus.transform(unit)
    mass = torus.back(torus.transform(p) * kernel.mass)
    moment = torus.back(coefficients * kernel.moment[0])
    shift = (moment - kernel.mean_shift(p)[0] * torus.back(coefficients * kernel.mass)) / mass
    if smoothed:
        shift = kernel.smooth(shift)
    return -torus.divergence((p * shift)[:, None]).T


def on_modes(torus: Torus, matrix: np.ndarray, count: int) -> np.ndarray:
    """The same operator on e^{ikx}, 0 < |k| ≤ count: what the grid's highest frequencies do is cut off."""
    modes = np.concatenate([np.arange(-count, 0), np.arange(1, count + 1)])
    waves = np.exp(1j * np.outer(torus.points[0], modes))
    found: np.ndarray = waves.conj().T @ matrix @ waves / torus.n
    return found


@dataclass(frozen=True)
class Pair:
    """The eigenvalue of largest imaginary part with its right and left eigenvectors on the modes ±1 … ±count."""

    value: complex
    right: np.ndarray
    left: np.ndarray


def most_oscillating(matrix: np.ndarray) -> Pair:
    """Of an operator [m, m] on modes; of a conjugate pair the eigenvalue above the real axis."""
    values, left, right = linalg.eig(matrix, left=True, right=True)
    which = int(np.argmax(values.imag))
    return Pair(complex(values[which]), right[:, which], left[:, which])


@dataclass(frozen=True)
class Oscillation:
    """The coordinate along an eigenvector, complex, over time in the full nonlinear equation."""

    times: np.ndarray
    coordinate: np.ndarray


def oscillation(
    kernel: PeriodicKernel, p: np.ndarray, pair: Pair, amplitude: float, horizon: float, steps: int
) -> Oscillation:
    """Start at p plus the real part of the eigenvector, and follow the left eigenvector's product with q − p."""
    torus, count = kernel.torus, len(pair.right) // 2
    modes = np.concatenate([np.arange(-count, 0), np.arange(1, count + 1)])
    waves = np.exp(1j * np.outer(torus.points[0], modes))
    profile = (waves @ pair.right).real
    q = p + amplitude * profile * (p.mean() / np.abs(profile).max())
    velocity: Velocity = drift(kernel, p)
    probe = pair.left.conj() @ waves.conj().T / torus.n
    kept = [probe @ (q - p)]
    for _ in range(steps):
        q = runge_kutta(lambda _, state: change(torus, velocity, state), 0, q, horizon / steps)
        kept.append(probe @ (q - p))
    return Oscillation(np.linspace(0, horizon, steps + 1), np.array(kept))
