r"""The fastest bandwidth schedule there is, and a bound that none can beat (ours).

The accumulated decay $\Lambda_k(T) = \int \lambda(\sigma k)\,\mu(d\sigma)$ knows a schedule only by the time μ that it
spends at each bandwidth. So the best schedule is a linear programme over probability measures,

$$v_K = \max_\mu\ \min_{k \le K}\ \int \lambda(\sigma k)\,d\mu(\sigma), \qquad T^* = \ln(1/\varepsilon)/v_K,$$

whose optimum has finitely many bandwidths: a staircase. By duality with weights ∝ 1/k,
$T^* \ge \ln(1/\varepsilon)\,H_K$ with $H_K = \sum_{k \le K} 1/k$ for every kernel with
$\sup_\sigma \sum_{k \le K} \lambda(\sigma k)/k \le 1$.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.theory.annealing import Course, Modes, Rate, staircase

_GRID_PER_E = 40  # bandwidths of the first programme for each factor e
_REFINEMENTS = 3  # later ones, each on bandwidths around those that the one before chose
_NEAR = 0.03  # logarithms this close are one bandwidth: rates change over a factor e, so v loses under 1e-3
_NEGLIGIBLE = 1e-7  # a share of the time that is rounding of the programme's solver


@dataclass(frozen=True)
class Staircase:
    """Bandwidths from the largest, the share of the time at each (sum 1), and v, the least mean rate of any mode."""

    bandwidths: np.ndarray
    shares: np.ndarray
    rate: float

    def time(self, epsilon: float) -> float:
        """T* = ln(1/ε)/v."""
        return math.log(1 / epsilon) / self.rate

    def course(self, duration: float) -> Course:
        """The staircase, largest bandwidth first, over that duration."""
        return staircase(list(self.bandwidths), list(self.shares * duration))


def optimal(rate: Rate, k: Modes, smallest: float, largest: float) -> Staircase:
    """The time-optimal staircase for the modes `k` with bandwidths in [smallest, largest].

    A programme on a logarithmic grid, then on ever finer grids around the bandwidths that it chose; at last those
    that lie beside each other are made one. The rate is that of the staircase returned, so it is reached.
    """
    count = max(2, math.ceil(_GRID_PER_E * math.log(largest / smallest)) + 1) if largest > smallest else 1
    grid = np.geomspace(smallest, largest, count)
    spacing = math.log(largest / smallest) / max(count - 1, 1)
    shares = _programme(rate, k, grid)
    for _ in range(_REFINEMENTS):
        chosen = grid[shares > _NEGLIGIBLE]
        around = chosen[:, None] * np.exp(np.linspace(-spacing, spacing, 17))
        grid, spacing = np.unique(np.clip(around, smallest, largest)), spacing / 8
        shares = _programme(rate, k, grid)
    bandwidths = _merged(grid[shares > _NEGLIGIBLE], shares[shares > _NEGLIGIBLE])
    shares = _programme(rate, k, bandwidths)
    used = shares > _NEGLIGIBLE
    bandwidths, shares = bandwidths[used][::-1], (shares[used] / shares[used].sum())[::-1]
    return Staircase(bandwidths, shares, float((rate(bandwidths * k[:, None]) @ shares).min()))


def _programme(rate: Rate, k: Modes, bandwidths: np.ndarray) -> np.ndarray:
    """Shares of the time over `bandwidths` that make the slowest mode fastest."""
    from scipy.optimize import linprog  # not at the top: every training imports this file, and hardly any solves it

    rates = rate(bandwidths[None, :] * k[:, None])
    count = len(bandwidths)
    for method in ("highs", "highs-ipm"):  # where nearly equal columns stop the simplex, interior points go on
        found = linprog(
            np.append(np.zeros(count), -1.0),
            A_ub=np.hstack([-rates, np.ones((len(k), 1))]),
            b_ub=np.zeros(len(k)),
            A_eq=np.append(np.ones(count), 0.0)[None, :],
            b_eq=[1.0],
            bounds=[(0, None)] * count + [(None, None)],
            method=method,
        )
        if found.x is not None:
            return np.maximum(found.x[:-1], 0.0)
    raise ArithmeticError(f"the linear programme of the optimal schedule was not solved: {found.message}")


def _merged(bandwidths: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Bandwidths whose logarithms lie within `_NEAR` of their neighbour become their weighted mean."""
    groups = np.cumsum(np.diff(np.log(bandwidths), prepend=np.log(bandwidths[0])) > _NEAR)
    means = [np.average(np.log(bandwidths[groups == g]), weights=shares[groups == g]) for g in np.unique(groups)]
    return np.exp(np.array(means))


def harmonic(modes: int) -> float:
    """H_K = Σ 1/k."""
    return math.fsum(1 / k for k in range(1, modes + 1))


def lower_bound(modes: int, epsilon: float) -> float:
    """ln(1/ε) H_K: no schedule of a kernel with `dual_sum` ≤ 1, and no mixture of its bandwidths, is faster."""
    return math.log(1 / epsilon) * harmonic(modes)


def dual_sum(rate: Rate, modes: int) -> float:
    r"""$\sup_\sigma \sum_{k \le K} \lambda(\sigma k)/k$ over a grid of σ from 0.01/K to 100; the condition is ≤ 1."""
    k = np.arange(1.0, modes + 1)
    sigma = np.geomspace(0.01 / modes, 100.0, 4000)
    return float(max((rate(part[:, None] * k) / k).sum(axis=1).max() for part in np.array_split(sigma, 20)))


def oscillating_rate(u: np.ndarray) -> np.ndarray:
    r"""λ of $e^{-z^2/2}(1 + \cos 4z)$ in one dimension, a kernel that fails the condition of the lower bound."""
    centres, weights = np.array([0.0, 4.0, -4.0]), np.array([1.0, 0.5, 0.5])
    bumps = np.exp(-((u[..., None] - centres) ** 2) / 2) * weights
    whole = (np.exp(-(centres**2) / 2) * weights).sum()
    return u * ((u[..., None] - centres) * bumps).sum(axis=-1) / whole
