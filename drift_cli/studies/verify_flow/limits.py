"""Limits in the step, in the number of particles and in the measure (§4.3, E.1.1, E.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import stats
from torch import Generator, Tensor

from drift_cli.studies.numbers import Interval, Measured, Table, after, columns, slope
from drift_cli.theory import continuity as theory
from drift_cli.theory import descent, mean_field
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import Field, noised_velocity

_HORIZON = 2.0  # of the particles, in units of time of V: the particles have moved by about the target's spread
_FEW, _STEPS, _TIMES = 20, (32, 64, 128, 256, 512), 8  # Euler's method: particles, steps, common times
_NUMBERS, _REPEATS = (50, 100, 200, 400, 800), 32  # particles drawn, and how often
_MANY = 1600  # quantiles that stand for the mean-field law: they are off by a hundredth of what the largest draw is
_TOLERANCE = 1e-6  # of their flows, far below any distance that is measured
_POINTS = (40, 80, 160, 320, 640)  # that stand for a density
_ATOMS, _NARROW = 16, (0.008, 0.004, 0.002)  # points, and bandwidths in parts of the spread: well apart
_MOVED = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4)  # by which points are displaced, in parts of the spread
_SMALL = 1e-3  # the same, where crowds are compared
_CROWDS, _CROWD, _PLACES = (25, 50, 100, 200), 100, 81  # points on the domain; places where velocities are compared
_DOMAIN, _FAR = 2.0, 10.0  # half the domain, in spreads; how many times wider places that know no domain reach


@dataclass(frozen=True)
class SmallSteps(Measured):
    """Euler's method compared with the particles' flow, over the step η: the farthest particle, and its order in η."""

    eta: np.ndarray
    error: np.ndarray
    euler_order: Interval
    euler_error: float  # at the least η, as the next
    euler_error_gradient: float  # beside the flow of σ²v

    def tables(self) -> dict[str, Table]:
        return {"euler": {"eta": self.eta, "error": self.error}}


@dataclass(frozen=True)
class ManyParticles(Measured):
    """W₁ between N particles drawn at random and the mean-field law, mean over draws, and its order in N."""

    particles: np.ndarray
    distance: np.ndarray
    standard_error: np.ndarray
    mean_field_order: Interval
    mean_field_distance: float  # of the most particles
    mean_field_distance_attraction: float  # of the law of particles that do not repel one another

    def tables(self) -> dict[str, Table]:
        return {"mean_field": {name: getattr(self, name) for name in ("particles", "distance", "standard_error")}}


@dataclass(frozen=True)
class PointsEnergy:
    """F_σ(q_n) − F_σ(q) of n points [n]; `escaping`: one of them at √n spreads, which leaves every compact domain."""

    points: np.ndarray
    excess: np.ndarray
    escaping: np.ndarray


@dataclass(frozen=True)
class VelocityChanges:
    """sup |v_q − v_q'| (`change`) and W₂(q, q') (`distance`), both [direction, size], with the order by direction.

    The largest ratio of the two [crowd], for crowds of ever more points: at places on the domain, or on the line.
    """

    change: np.ndarray
    distance: np.ndarray
    order: np.ndarray
    constant: np.ndarray
    constant_line: np.ndarray


@dataclass(frozen=True)
class Continuity(Measured):
    """F_σ of points that tend to the density q, and v of points that tend to others, by bandwidth; the worst of each.

    `unsmoothed_growth` is what the energy of points that stay apart gains as log(1/σ) grows by 1.
    """

    energy: dict[float, PointsEnergy]
    velocity: dict[float, VelocityChanges]
    energy_continuity_order: Interval
    energy_continuity_gap: float
    energy_continuity_gap_escaping: float
    unsmoothed_growth: float
    velocity_lipschitz_order: float
    velocity_lipschitz_growth: float  # exponent of the constant in the number of points
    velocity_lipschitz_growth_line: float
    velocity_lipschitz_constant: dict[str, float] = field(metadata=after("_sigma"))

    def tables(self) -> dict[str, Table]:
        energies = [(b, *row) for b, of in self.energy.items() for row in zip(*vars(of).values(), strict=True)]
        changes = [
            (b, *row) for b, of in self.velocity.items() for row in np.c_[of.distance.ravel(), of.change.ravel()]
        ]
        return {
            "energy_continuity": columns(("bandwidth", "points", "excess", "escaping"), energies),
            "velocity_changes": columns(("bandwidth", "distance", "change"), changes),
        }


def small_steps(p: GaussianMixture, bandwidth: float, start: Tensor, nodes: int) -> SmallSteps:
    """Of a few particles at the quantiles `start` [n]."""
    drift = mean_field.drift_field(p, bandwidth)
    few = start[:: max(1, len(start) // _FEW)]
    times = np.linspace(0, _HORIZON, _TIMES + 1)
    exact = descent.follow(drift, few, times)

    def gradient(x: Tensor) -> Tensor:
        return bandwidth**2 * noised_velocity(p, bandwidth, x, x, nodes)

    other = descent.follow(gradient, few, times, _TOLERANCE)
    eta = _HORIZON / np.array(_STEPS)
    error = np.array([mean_field.off_the_path(drift, exact, _HORIZON, count) for count in _STEPS])
    off_gradient = mean_field.off_the_path(drift, other, _HORIZON, _STEPS[-1])
    return SmallSteps(eta, error, slope(np.log(eta), np.log(error)), error[-1], off_gradient)


def many_particles(p: GaussianMixture, bandwidth: float, start: Tensor, seed: int) -> ManyParticles:
    """After the same time, from draws of a normal with the mean and spread of `start` [n]."""
    drift, mean, spread = mean_field.drift_field(p, bandwidth), float(start.mean()), float(start.std())
    law = GaussianMixture(*(torch.tensor(each, dtype=torch.float64) for each in ([1.0], [[mean]], [spread**2])))

    def end(field: Field, x: Tensor) -> Tensor:
        return descent.follow(field, x, np.array([0, _HORIZON]), _TOLERANCE)[-1]

    many = theory.normal_points(law, _MANY)
    limit, generator = end(drift, many), Generator().manual_seed(seed)  # its own: other parts keep their draws
    draws = ([end(drift, law.sample(n, generator)[:, 0]) for n in _NUMBERS] for _ in range(_REPEATS))
    distances = np.array([[mean_field.law_distance(x, limit) for x in each] for each in draws])
    slopes = np.array([np.polyfit(np.log(_NUMBERS), np.log(row), 1)[0] for row in distances])
    half = float(stats.t.ppf(0.975, _REPEATS - 1) * stats.sem(slopes))
    order = Interval(slopes.mean(), slopes.mean() - half, slopes.mean() + half)
    alone = mean_field.law_distance(end(mean_field.attraction(p, bandwidth), many), limit)
    error = stats.sem(distances, axis=0)
    return ManyParticles(np.array(_NUMBERS), distances.mean(axis=0), error, order, distances[:, -1].mean(), alone)


def continuity(p: GaussianMixture, q: GaussianMixture, bandwidths: Sequence[float], nodes: int) -> Continuity:
    """At every bandwidth, with q a single mode; `unsmoothed_growth` of a few points of it at ever smaller σ."""
    energy = {bandwidth: _energy(p, q, bandwidth, nodes) for bandwidth in bandwidths}
    velocity = {bandwidth: _velocity(p, q, bandwidth, nodes) for bandwidth in bandwidths}
    orders = [slope(np.log(each.points), np.log(np.abs(each.excess))) for each in energy.values()]
    narrow = np.array(_NARROW) * float(q.variances.sqrt())
    apart = theory.normal_points(q, _ATOMS)
    unsmoothed = [theory.energy_excess(p, q, sigma, apart, nodes) for sigma in narrow]
    return Continuity(
        energy,
        velocity,
        max(orders, key=lambda order: order.value),
        max(abs(each.excess[-1]) for each in energy.values()),
        min(each.escaping[-1] for each in energy.values()),
        slope(-np.log(narrow), np.array(unsmoothed)).value,
        min(each.order.min() for each in velocity.values()),
        max(_growth(each.constant) for each in velocity.values()),
        min(_growth(each.constant_line) for each in velocity.values()),
        {f"{bandwidth:g}": each.constant.max() for bandwidth, each in velocity.items()},
    )


def _energy(p: GaussianMixture, q: GaussianMixture, bandwidth: float, nodes: int) -> PointsEnergy:
    excess, escaping = [], []
    for n in _POINTS:
        x = theory.normal_points(q, n)
        far = q.means[0] + (q.variances * n).sqrt()
        excess.append(theory.energy_excess(p, q, bandwidth, x, nodes))
        escaping.append(theory.energy_excess(p, q, bandwidth, torch.cat([x[:-1], far]), nodes))
    return PointsEnergy(np.array(_POINTS), np.array(excess), np.array(escaping))


def _velocity(p: GaussianMixture, q: GaussianMixture, bandwidth: float, nodes: int) -> VelocityChanges:
    mean, spread = float(q.means), float(q.variances.sqrt())
    places = mean + _DOMAIN * spread * torch.linspace(-1, 1, _PLACES, dtype=torch.float64)

    def changes(count: int, names: Sequence[str], sizes: Sequence[float], at: Tensor) -> tuple[np.ndarray, np.ndarray]:
        x = mean + _DOMAIN * spread * (2 * theory.shares(count) - 1)
        ways = theory.directions(x)
        moved = [x + size * spread * ways[name] for name in names for size in sizes]
        return theory.velocity_changes(p, bandwidth, x, moved, at, nodes)

    names = tuple(theory.directions(places))
    change, distance = (each.reshape(len(names), -1) for each in changes(_CROWD, names, _MOVED, places))
    order = [slope(np.log(w), np.log(d)).value for w, d in zip(distance, change, strict=True)]
    line, constants = mean + _FAR * (places - mean), []
    for n in _CROWDS:
        on_domain, on_line = changes(n, names, (_SMALL,), places), changes(n, ("last",), (_SMALL,), line)
        constants.append([float((d / w).max()) for d, w in (on_domain, on_line)])
    constant, constant_line = np.array(constants).T
    return VelocityChanges(change, distance, np.array(order), constant, constant_line)


def _growth(constant: np.ndarray) -> float:
    """The exponent of a constant in the number of points."""
    return slope(np.log(_CROWDS), np.log(constant)).value
