"""Of `drift verify-flow`: limits in the step, in the number of particles and in the measure (§4.3, E.1.1, E.1.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from torch import Generator, Tensor

from drift_cli.studies.study import Study
from drift_cli.theory import continuity as theory
from drift_cli.theory import descent, mean_field
from drift_cli.theory.fits import fit
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import Field, noised_velocity

Columns = dict[str, np.ndarray]

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


def particles(s: Study, p: GaussianMixture, bandwidth: float, start: Tensor, nodes: int, seed: int) -> Columns:
    """Euler's method for the particles' flow, and the law of N of them; `start` are quantiles of the law at first."""
    drift = mean_field.drift_field(p, bandwidth)
    few = start[:: max(1, len(start) // _FEW)]
    times = np.linspace(0, _HORIZON, _TIMES + 1)
    exact = descent.follow(drift, few, times)

    def gradient(x: Tensor) -> Tensor:
        return bandwidth**2 * noised_velocity(p, bandwidth, x, x, nodes)

    other = descent.follow(gradient, few, times, _TOLERANCE)
    eta = _HORIZON / np.array(_STEPS)
    errors = np.array([mean_field.off_the_path(drift, exact, _HORIZON, count) for count in _STEPS])
    found = fit(np.log(eta), np.log(errors))
    s.interval("euler_order", found.slope, found.low, found.high)
    s.summary |= {
        "euler_error": errors[-1],
        "euler_error_gradient": mean_field.off_the_path(drift, other, _HORIZON, _STEPS[-1]),
    }
    s.curves("euler", {"eta": eta, "error": errors})
    return _numbers(s, p, bandwidth, start, drift, seed) | {"eta": eta, "euler": errors}


def _numbers(s: Study, p: GaussianMixture, bandwidth: float, start: Tensor, drift: Field, seed: int) -> Columns:
    """W₁ between N particles drawn at random and the mean-field law, after the same time."""
    mean, spread = float(start.mean()), float(start.std())
    law = GaussianMixture(*(torch.tensor(each, dtype=torch.float64) for each in ([1.0], [[mean]], [spread**2])))

    def end(field: Field, x: Tensor) -> Tensor:
        return descent.follow(field, x, np.array([0, _HORIZON]), _TOLERANCE)[-1]

    many = theory.normal_points(law, _MANY)
    limit, generator = end(drift, many), Generator().manual_seed(seed)  # its own: other parts keep their draws
    distances = np.array(
        [
            [mean_field.law_distance(end(drift, law.sample(n, generator)[:, 0]), limit) for n in _NUMBERS]
            for _ in range(_REPEATS)
        ]
    )
    slopes = np.array([np.polyfit(np.log(_NUMBERS), np.log(row), 1)[0] for row in distances])
    half = float(stats.t.ppf(0.975, _REPEATS - 1) * stats.sem(slopes))
    s.interval("mean_field_order", slopes.mean(), slopes.mean() - half, slopes.mean() + half)
    alone = mean_field.law_distance(end(mean_field.attraction(p, bandwidth), many), limit)
    s.summary |= {"mean_field_distance": distances[:, -1].mean(), "mean_field_distance_attraction": alone}
    mean_distance, error = distances.mean(axis=0), stats.sem(distances, axis=0)
    s.curves("mean_field", {"particles": _NUMBERS, "distance": mean_distance, "standard_error": error})
    return {"particles": np.array(_NUMBERS), "distance": mean_distance, "error": error}


def continuity(
    s: Study, p: GaussianMixture, q: GaussianMixture, bandwidths: Sequence[float], nodes: int
) -> list[tuple[float, Columns]]:
    """F_σ of points that tend to the density q, and v of points that tend to others, by bandwidth."""
    found = [
        (bandwidth, _energy(p, q, bandwidth, nodes) | _velocity(p, q, bandwidth, nodes)) for bandwidth in bandwidths
    ]
    each = [columns for _, columns in found]
    orders = [fit(np.log(columns["points"]), np.log(np.abs(columns["excess"]))) for columns in each]
    worst = max(orders, key=lambda order: order.slope)
    s.interval("energy_continuity_order", worst.slope, worst.low, worst.high)
    narrow = np.array(_NARROW) * float(q.variances.sqrt())
    apart = theory.normal_points(q, _ATOMS)
    unsmoothed = [theory.energy_excess(p, q, sigma, apart, nodes) for sigma in narrow]
    s.summary |= {
        "energy_continuity_gap": max(abs(columns["excess"][-1]) for columns in each),
        "energy_continuity_gap_escaping": min(columns["escaping"][-1] for columns in each),
        "unsmoothed_growth": fit(-np.log(narrow), np.array(unsmoothed)).slope,
        "velocity_lipschitz_order": min(columns["order"].min() for columns in each),
        "velocity_lipschitz_growth": max(_growth(columns["constant"]) for columns in each),
        "velocity_lipschitz_growth_line": min(_growth(columns["constant_line"]) for columns in each),
    }
    for bandwidth, columns in found:
        s.summary[f"velocity_lipschitz_constant_sigma{bandwidth:g}"] = columns["constant"].max()
    energies, velocities = ("points", "excess", "escaping"), ("distance", "change")
    for name, keys in (("energy_continuity", energies), ("velocity_changes", velocities)):
        rows = [(b, *row) for b, c in found for row in zip(*(c[key].ravel() for key in keys), strict=True)]
        s.rows(name, ("bandwidth", *keys), rows)
    return found


def _energy(p: GaussianMixture, q: GaussianMixture, bandwidth: float, nodes: int) -> Columns:
    """F_σ(q_n) − F_σ(q) of n points; and with one of them at √n spreads, which leaves every compact domain."""
    excess, escaping = [], []
    for n in _POINTS:
        x = theory.normal_points(q, n)
        far = q.means[0] + (q.variances * n).sqrt()
        excess.append(theory.energy_excess(p, q, bandwidth, x, nodes))
        escaping.append(theory.energy_excess(p, q, bandwidth, torch.cat([x[:-1], far]), nodes))
    return {"points": np.array(_POINTS), "excess": np.array(excess), "escaping": np.array(escaping)}


def _velocity(p: GaussianMixture, q: GaussianMixture, bandwidth: float, nodes: int) -> Columns:
    """sup |v_q − v_q'| over W₂: its order by direction, and its largest for crowds of points, on the domain or not."""
    mean, spread = float(q.means), float(q.variances.sqrt())
    places = mean + _DOMAIN * spread * torch.linspace(-1, 1, _PLACES, dtype=torch.float64)

    def changes(count: int, names: Sequence[str], sizes: Sequence[float], at: Tensor) -> tuple[np.ndarray, np.ndarray]:
        x = mean + _DOMAIN * spread * (2 * theory.shares(count) - 1)
        ways = theory.directions(x)
        moved = [x + size * spread * ways[name] for name in names for size in sizes]
        return theory.velocity_changes(p, bandwidth, x, moved, at, nodes)

    names = tuple(theory.directions(places))
    change, distance = (each.reshape(len(names), -1) for each in changes(_CROWD, names, _MOVED, places))
    order = [fit(np.log(w), np.log(d)).slope for w, d in zip(distance, change, strict=True)]
    line, constants = mean + _FAR * (places - mean), []
    for n in _CROWDS:
        on_domain, on_line = changes(n, names, (_SMALL,), places), changes(n, ("last",), (_SMALL,), line)
        constants.append([float((d / w).max()) for d, w in (on_domain, on_line)])
    constant, constant_line = np.array(constants).T
    return {
        "order": np.array(order),
        "change": change,
        "distance": distance,
        "constant": constant,
        "constant_line": constant_line,
    }


def _growth(constant: np.ndarray) -> float:
    """The exponent of a constant in the number of points."""
    return fit(np.log(_CROWDS), np.log(constant)).slope
