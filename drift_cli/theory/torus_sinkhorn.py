r"""The drift of the Sinkhorn divergence on the circle, by its own fixed point and not by its multiplier.

$V = T_{q\to p} - T_{q\to q}$, the difference of the two barycentric maps of entropic plans at regularisation ε and
cost ½|x − y|² (Turan & Ovsjanikov, eqs. 36–37, as reconstructed); the Gibbs kernel $e^{-|x-y|^2/2\varepsilon}$ is made
periodic like every kernel here.
"""

from __future__ import annotations

import numpy as np

from drift_cli.theory.torus_flow import PeriodicKernel, Velocity

_TOLERANCE = 1e-14
_MOST = 5000


def drift(kernel: PeriodicKernel, p: np.ndarray) -> Velocity:
    """q ↦ V for densities [m, n] on the circle; `kernel` is the Gaussian of bandwidth √ε.

    Scalings are used instead of potentials: near a uniform density they are all of one size.
    """

    def velocity(q: np.ndarray) -> np.ndarray:
        shift: np.ndarray = _map(kernel, p * _cross(kernel, q, p)) - _map(kernel, q * _self(kernel, q))
        return shift

    return velocity


def _smooth(kernel: PeriodicKernel, values: np.ndarray) -> np.ndarray:
    return kernel.torus.back(kernel.torus.transform(values) * kernel.mass)


def _map(kernel: PeriodicKernel, weighted: np.ndarray) -> np.ndarray:
    """Barycentre minus x: the plan's row at x is k(x, y) times the weighted density, normalised."""
    return kernel.mean_shift(weighted)


def _cross(kernel: PeriodicKernel, q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The scaling on p's side of the plan between q and p."""
    v = np.ones_like(q)
    for _ in range(_MOST):
        u = 1 / _smooth(kernel, v * p)
        after = 1 / _smooth(kernel, u * q)
        after /= after.mean(axis=-1, keepdims=True)
        done = np.abs(after - v).max() < _TOLERANCE
        v = after
        if done:
            break
    return v


def _self(kernel: PeriodicKernel, q: np.ndarray) -> np.ndarray:
    """The scaling of the plan between q and itself; the geometric mean of old and new converges, the plain one not."""
    v: np.ndarray = np.ones_like(q) / np.sqrt(_smooth(kernel, q))
    for _ in range(_MOST):
        after = np.sqrt(v / _smooth(kernel, v * q))
        done = np.abs(after / v - 1).max() < _TOLERANCE
        v = after
        if done:
            break
    return v
