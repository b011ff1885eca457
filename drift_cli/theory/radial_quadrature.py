r"""Population values of a radial kernel's mean shift and score for isotropic Gaussians, in any dimension (ours).

For $q = N(\mu, s^2I)$ everything at a query x depends on $a = |x - \mu|$ alone and points along $u = (\mu - x)/a$. In
polar coordinates about x, with $r = |y - x|$ and θ the angle between y − x and u, the weights $k(x, y)\,q(y)$ have the
density

$$\varphi(r)\; r^{D-1}\sin^{D-2}\theta\; e^{-(r^2 - 2ar\cos\theta + a^2)/2s^2}$$

up to a constant, so each expectation is an integral over (r, θ) whatever the dimension: in logarithms, by
Gauss–Legendre quadrature on the window where the density is above $e^{-70}$ of its peak.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from functools import cache

import numpy as np
import torch

from drift_cli.kernels import Power, Weighted

_DROP = 70.0  # the logarithm that the density may fall by before it is left out: far below float64's rounding
_SCAN = 4000  # distances at which the window is looked for
_SMALLEST = 1e-5  # of the shorter of bandwidth and deviation: nearer than any window begins, unless it begins at 0
_MOST_NODES = 1024


class TooCoarse(ValueError):
    """The integrals change by more than the tolerance when the nodes are doubled; `enough` nodes would do, if any."""

    def __init__(self, nodes: int, dimension: int, change: float, enough: int | None) -> None:
        remedy = (
            f"give nodes={enough}"
            if enough
            else "more nodes do not help: bring bandwidth, offset and deviation nearer to each other"
        )
        super().__init__(
            f"nodes={nodes} is too coarse in {dimension} dimensions (twice as many change a value by {change:.1e}): "
            + remedy
        )
        self.enough = enough


@dataclass(frozen=True)
class Population:
    """One Gaussian seen from one query; vectors by their length along u, toward the mean.

    `shift` is M, `score` is ∇log(k*q), `covariance` is Cov(1/w, w(y − x)), `preconditioner` is E[1/w], so that
    shift = preconditioner · score + covariance; `log_mass` is log ∫ k(x, y) q(y) dy.
    """

    shift: float
    score: float
    covariance: float
    preconditioner: float
    log_mass: float

    @property
    def relative_residual(self) -> float:
        """|Cov| / |M|; nan where M is zero, at the mean."""
        return abs(self.covariance / self.shift) if self.shift else math.nan


def population(
    kernel: Weighted, dimension: int, distance: float, deviation: float, nodes: int, tolerance: float = math.inf
) -> Population:
    """The values for N(μ, s²I) with s = `deviation` at a query at `distance` from μ, with nodes × nodes points.

    With a finite `tolerance` the values are computed again with twice the nodes, and `TooCoarse` is raised where one
    of them changes by more: relatively, the covariance (zero for the Gaussian kernel) in units of the shift.
    Raises `ValueError` for dimension < 2, distance < 0, deviation ≤ 0.
    """
    if dimension < 2 or distance < 0 or deviation <= 0:
        raise ValueError(f"no Gaussian with D = {dimension}, distance {distance} and deviation {deviation}")
    found = _integrate(kernel, dimension, distance, deviation, nodes)
    if math.isinf(tolerance):
        return found
    finer, count = _integrate(kernel, dimension, distance, deviation, 2 * nodes), nodes
    first = change = _change(found, finer)
    while change > tolerance and 2 * count <= _MOST_NODES:  # only to name the remedy
        count *= 2
        found, finer = finer, _integrate(kernel, dimension, distance, deviation, 2 * count)
        change = _change(found, finer)
    if count > nodes or change > tolerance:
        raise TooCoarse(nodes, dimension, first, count if change <= tolerance else None)
    return finer


def effective_fraction(kernel: Weighted, dimension: int, distance: float, deviation: float, nodes: int) -> float:
    r"""$\mathbb E_q[k]^2/\mathbb E_q[k^2]$: the effective sample size that N samples have, over N, for large N."""
    first = population(kernel, dimension, distance, deviation, nodes)
    second = population(Power(kernel, 2.0), dimension, distance, deviation, nodes)
    return math.exp(2 * first.log_mass - second.log_mass)


def _change(coarse: Population, fine: Population) -> float:
    """The largest relative change; a value that is zero by symmetry (a query at the mean) has none."""
    units = (fine.shift, fine.score, fine.shift, fine.preconditioner, 1.0)
    changes: list[float] = [
        abs(a - b) / (abs(unit) or 1.0) for a, b, unit in zip(astuple(coarse), astuple(fine), units, strict=True)
    ]
    return max(changes)


def _integrate(kernel: Weighted, dimension: int, distance: float, deviation: float, nodes: int) -> Population:
    low, high = _distances(kernel, dimension, distance, deviation)
    x, weights = _legendre(nodes)
    r = (low + high) / 2 + (high - low) / 2 * x
    start, stop = _angles(dimension, distance * np.array([low, high]) / deviation**2)
    theta = (start + stop) / 2 + (stop - start) / 2 * x
    radial = _radial(kernel, r, dimension, distance, deviation)
    angular = (dimension - 2) * np.log(np.sin(theta)) + np.multiply.outer(distance * r / deviation**2, np.cos(theta))
    logs = radial[:, None] + angular
    peak = logs.max()
    density = np.exp(logs - peak) * np.multiply.outer(weights, weights)
    total = density.sum()
    density /= total

    distances = torch.from_numpy(r)
    inverse = (1 / kernel.weight(distances)).numpy()[:, None]
    along = r[:, None] * np.cos(theta)
    preconditioner, pull = float((density * inverse).sum()), along / inverse
    area = (high - low) * (stop - start) / 4
    lopsided = float(distance > 0)  # at the mean the vectors are zero, not only up to rounding
    return Population(
        shift=lopsided * float((density * along).sum()),
        score=lopsided * float((density * pull).sum()),
        covariance=lopsided * float((density * (inverse - preconditioner) * pull).sum()),
        preconditioner=preconditioner,
        log_mass=float(peak + math.log(total * area) + _log_constant(dimension, deviation)),
    )


@cache
def _legendre(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    x, weights = np.polynomial.legendre.leggauss(nodes)
    return x, weights


def _radial(kernel: Weighted, r: np.ndarray, dimension: int, distance: float, deviation: float) -> np.ndarray:
    """The part of the log density that knows no angle."""
    profile = kernel.log_profile(torch.from_numpy(r)).numpy()
    log_density: np.ndarray = profile + (dimension - 1) * np.log(r) - (r**2 + distance**2) / (2 * deviation**2)
    return log_density


def _best_angular(dimension: int, concentration: np.ndarray) -> np.ndarray:
    """The largest logarithm of sin^{D−2}θ e^{κ cos θ} over θ, at each κ = ar/s²: where κ sin²θ = (D − 2) cos θ."""
    if dimension == 2:
        return concentration
    half = (dimension - 2) / 2
    ratio = 1 / (half + np.hypot(half, concentration))  # cos θ / κ
    largest: np.ndarray = half * np.log(2 * half * ratio) + concentration**2 * ratio
    return largest


def _distances(kernel: Weighted, dimension: int, distance: float, deviation: float) -> tuple[float, float]:
    """Between which distances the density, at its best angle, is above e^{−70} of its peak."""
    nearest = _SMALLEST * min(kernel.bandwidth, deviation)
    farthest = distance + deviation * (math.sqrt(dimension) + 2 * math.sqrt(_DROP))
    grid = np.geomspace(nearest, farthest, _SCAN)
    for _ in range(2):  # once over all lengths, once more between the neighbours of what was found
        logs = _radial(kernel, grid, dimension, distance, deviation)
        logs += _best_angular(dimension, distance * grid / deviation**2)
        inside = np.flatnonzero(logs >= logs.max() - _DROP)
        low, high = grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, _SCAN - 1)]
        first = 0.0 if low == nearest else low
        grid = np.linspace(low, high, _SCAN)
    return first, high


def _angles(dimension: int, concentrations: np.ndarray) -> tuple[float, float]:
    """Between which angles the density is above e^{−70} of its best at one of the two concentrations or between."""
    theta = np.linspace(0, np.pi, _SCAN + 1)
    inside = np.zeros(len(theta), dtype=bool)
    for concentration in concentrations:
        with np.errstate(divide="ignore"):
            sine = (dimension - 2) * np.log(np.sin(theta)) if dimension > 2 else np.zeros_like(theta)
        logs = sine + concentration * np.cos(theta)
        inside |= logs >= logs[1:-1].max() - _DROP
    found = np.flatnonzero(inside)
    return float(theta[max(found[0] - 1, 0)]), float(theta[min(found[-1] + 1, _SCAN)])


def _log_constant(dimension: int, deviation: float) -> float:
    """log of the area of the unit sphere in D − 1 dimensions over (2πs²)^{D/2}."""
    sphere = math.log(2) + (dimension - 1) / 2 * math.log(math.pi) - math.lgamma((dimension - 1) / 2)
    return sphere - dimension / 2 * math.log(2 * math.pi * deviation**2)


@dataclass(frozen=True)
class Comparison:
    """Two Gaussians seen from one query, in the plane through the query and both means: vectors of two coordinates."""

    drift: np.ndarray
    score_difference: np.ndarray
    residual: np.ndarray
    preconditioned: np.ndarray

    @property
    def relative_residual(self) -> float:
        """|Cov_p − Cov_q| / |V|."""
        return float(np.linalg.norm(self.residual) / np.linalg.norm(self.drift))

    @property
    def cosine(self) -> float:
        """Of the angle between the drift and the score difference."""
        return _cosine(self.drift, self.score_difference)

    @property
    def preconditioned_cosine(self) -> float:
        """The same with each mean shift first divided by its own E[1/w] (ours)."""
        return _cosine(self.preconditioned, self.score_difference)


@dataclass(frozen=True)
class Pair:
    """q = N(0, I) and p = N(μ, s²I) with |μ| = `offset` and s = `deviation`."""

    offset: float
    deviation: float

    def compare(
        self, kernel: Weighted, dimension: int, query: tuple[float, float], nodes: int, tolerance: float = math.inf
    ) -> Comparison:
        """At the query with these coordinates along μ and at right angles to it. Raises as `population` does."""
        to_p, to_q = np.array([self.offset, 0.0]) - query, -np.array(query)
        away_p, away_q = math.hypot(*to_p), math.hypot(*to_q)
        p = population(kernel, dimension, away_p, self.deviation, nodes, tolerance)
        q = population(kernel, dimension, away_q, 1.0, nodes, tolerance)
        to_p, to_q = to_p / (away_p or 1.0), to_q / (away_q or 1.0)
        return Comparison(
            drift=p.shift * to_p - q.shift * to_q,
            score_difference=p.score * to_p - q.score * to_q,
            residual=p.covariance * to_p - q.covariance * to_q,
            preconditioned=p.shift / p.preconditioner * to_p - q.shift / q.preconditioner * to_q,
        )


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
