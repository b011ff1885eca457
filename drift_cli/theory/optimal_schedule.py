r"""The fastest possible bandwidth schedule, and a lower bound for every schedule (ours).

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

from drift_cli.design.level import Occupation, level
from drift_cli.theory.annealing import Course, Modes, Rate, staircase


@dataclass(frozen=True)
class Staircase(Occupation):
    """Bandwidths from the largest, the share of the time at each (sum 1), and v, the least mean rate of any mode."""

    def time(self, epsilon: float) -> float:
        """T* = ln(1/ε)/v."""
        return math.log(1 / epsilon) / self.rate

    def course(self, duration: float) -> Course:
        """The staircase, largest bandwidth first, over that duration."""
        return staircase(list(self.bandwidths), list(self.shares * duration))


def optimal(rate: Rate, k: Modes, smallest: float, largest: float) -> Staircase:
    """The time-optimal staircase for the modes `k` with bandwidths in [smallest, largest]."""
    found = level(rate, k, smallest, largest)
    return Staircase(found.bandwidths, found.shares, found.rate)


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
    rate: np.ndarray = u * ((u[..., None] - centres) * bumps).sum(axis=-1) / whole
    return rate
