r"""One JKO step (eqs. 13–15, App. E.2 and E.3).

$\rho^+ = \arg\min_\rho J(\rho)$ with $J(\rho) = F_\sigma(\rho) + W_2^2(\rho, y)/2\tau$, against the frozen-field step
$y + \tau v[y](y)$ and the plain drift's, $y + \tau u[y](y)$. τ is in units of σ² in the settings.
"""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass, field, fields

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.studies.numbers import Interval, Measured, Table, after, columns, slope
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import STARTS, mean_and_spread, quantiles
from drift_cli.theory import jko
from drift_cli.theory.jko import jko_step, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import drift_velocity, noised_velocity, smoothed_kl

_GUESSES = 4  # other starting points of the minimisation
_ORDERED = 1e-9  # atoms that stay together do so up to the residual


@dataclass(frozen=True)
class Step:
    """One JKO step: its W₂ to the frozen-field step, to the plain drift's and to its start, and how well it is solved.

    `euler_lagrange` is the residual of eq. 14 at the JKO step, `euler_lagrange_frozen` at the frozen-field step.
    """

    bandwidth: float
    start: str
    tau: float
    frozen: float
    drift: float
    step: float
    residual: float
    curvature: float
    disorder: float
    euler_lagrange: float
    euler_lagrange_frozen: float


@dataclass(frozen=True)
class Separately(Measured):
    """The least and the greatest order of a single start and bandwidth; the mean over starts at each bandwidth."""

    jko_order: dict[str, float] = field(metadata=after("_"))
    jko_drift_relative: dict[str, float] = field(metadata=after("_sigma"))


@dataclass(frozen=True)
class Distances(Measured):
    r"""$W_2$ of the JKO step to the frozen-field step, the plain drift's and its start: orders in τ (eqs. 14, 15, E.3).

    The paper has $O(\tau^{3/2})$ for the first (eq. 15) and $O(\tau^{1/2})$ for the last (Proposition E.4(ii)).
    """

    steps: list[Step]
    separately: Separately
    jko_residual: float
    jko_curvature: float
    jko_disorder: float
    jko_drift_relative: float  # with the longest step: W₂ to the plain drift's over W₂ to the start, the greatest
    euler_lagrange_error: float
    euler_lagrange_error_frozen: float
    jko_order: dict[str, Interval] = field(metadata=after("_"))

    def tables(self) -> dict[str, Table]:
        return {"jko_steps": columns([each.name for each in fields(Step)], map(astuple, self.steps))}


@dataclass(frozen=True)
class Minimisers(Measured):
    """Is the JKO step the minimiser of J (Proposition E.3, eq. 14)? At the least and the greatest repeated τ (`long`).

    The greatest $W_2$ between minimisers that guesses lead to; and a duality gap, how much lower J could be at any
    other measure, over F(y) − J of the JKO step: the greatest of JKO steps and the least of frozen-field steps.
    """

    jko_minimisers_apart: float
    jko_minimisers_apart_long: float
    jko_duality_gap: float
    frozen_duality_gap: float
    jko_duality_gap_long: float


def distances(config: VerifyFlowConfig, p: GaussianMixture) -> Distances:
    """Steps of every length at every bandwidth from every start."""
    cases = list(itertools.product(config.bandwidths, STARTS))
    steps = [step for bandwidth, start in cases for step in _from(config, p, bandwidth, start)]
    log_tau = np.log([step.tau for step in steps]).reshape(len(cases), -1)
    orders: dict[str, Interval] = {}
    alone: dict[str, float] = {}
    for name in ("frozen", "drift", "step"):
        log_distance = np.log([getattr(step, name) for step in steps]).reshape(len(cases), -1)
        orders[name] = slope(_centred(log_tau), _centred(log_distance))  # one slope for all cases, a height for each
        slopes = [slope(*case).value for case in zip(log_tau, log_distance, strict=True)]
        alone |= {f"{name}_least": min(slopes), f"{name}_most": max(slopes)}
    longest = [step for step in steps if step.tau == config.taus[-1]]
    at = {b: [step.drift / step.step for step in longest if step.bandwidth == b] for b in config.bandwidths}
    return Distances(
        steps,
        Separately(alone, {f"{bandwidth:g}": float(np.mean(ratios)) for bandwidth, ratios in at.items()}),
        max(step.residual for step in steps),
        min(step.curvature for step in steps),
        max(step.disorder for step in steps),
        max(itertools.chain(*at.values())),
        max(step.euler_lagrange for step in steps),
        min(step.euler_lagrange_frozen for step in longest),
        orders,
    )


def _from(config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str) -> list[Step]:
    """A step of each length from one start."""
    y = quantiles(start, p, config.quantiles)
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    v = noised_velocity(p, bandwidth, y[:, None], y[:, None], config.nodes)[:, 0]
    u = drift_velocity(p, bandwidth, y[:, None], y[:, None])[:, 0]
    steps = []
    for tau in config.taus:
        length = tau * bandwidth**2
        found = jko_step(energy, y, length, config.residual)
        w = found.velocity
        frozen, plain = y + length * v, y + length * u
        steps.append(Step(
            bandwidth, start, tau,
            length * _rms(w - v), length * _rms(w - u), length * _rms(w),  # W₂: all are ordered, as `disorder` says
            found.residual, found.curvature, _disorder(found.x, frozen, plain),
            _euler_lagrange(p, bandwidth, found.x, y, length, config.nodes),
            _euler_lagrange(p, bandwidth, frozen, y, length, config.nodes),
        ))  # fmt: skip
    return steps


def _rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def _disorder(*measures: Tensor) -> float:
    """The largest step back from one quantile to the next: 0 where all are ordered, so that W₂ pairs them by index."""
    return max(max(0.0, -float(x.diff().min())) for x in measures)


def _euler_lagrange(p: GaussianMixture, bandwidth: float, x: Tensor, y: Tensor, length: float, nodes: int) -> float:
    """How far (x − T(x))/τ is from v[x](x), relatively, at the worst quantile (eq. 14).

    Neither side is the solver's: it pairs by index and takes its slope from closed sums over a grid; here T comes from
    an assignment and v from drifts at noised queries.
    """
    v = noised_velocity(p, bandwidth, x[:, None], x[:, None], nodes)[:, 0]
    implicit = (x - jko.optimal_map(x, y)) / length
    return float((implicit - v).abs().max() / v.abs().max())


def _centred(values: np.ndarray) -> np.ndarray:
    """Each case about its own mean."""
    return (values - values.mean(axis=1, keepdims=True)).ravel()


def minimisers(config: VerifyFlowConfig, p: GaussianMixture, generator: Generator) -> Minimisers:
    """From every start at every bandwidth; with the long step from one.

    With a long step guesses also lead to unordered quantiles, whose pairing with y is not optimal: no JKO steps.
    """
    short, long = config.scheme_taus[0], config.scheme_taus[-1]
    cases = list(itertools.product(config.bandwidths, STARTS))
    return Minimisers(
        max(_apart_by_guess(config, p, *case, short, generator) for case in cases),
        _apart_by_guess(config, p, *cases[0], long, generator),
        max(_duality_gap(config, p, *case, short) for case in cases),
        min(_duality_gap(config, p, *case, short, frozen=True) for case in cases),
        _duality_gap(config, p, *cases[0], long),
    )


def _apart_by_guess(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str, tau: float, generator: Generator
) -> float:
    y = quantiles(start, p, config.quantiles)
    mean, spread = mean_and_spread(p)
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    found, apart = jko_step(energy, y, tau * bandwidth**2, config.residual), 0.0
    for _ in range(_GUESSES):
        guess = mean + 2 * spread * torch.randn(len(y), generator=generator, dtype=torch.float64).sort().values
        other = jko_step(energy, y, tau * bandwidth**2, config.residual, guess)
        if _disorder(other.x) <= _ORDERED:  # else it is no JKO step
            apart = max(apart, wasserstein(found.x, other.x))
    return apart


def _duality_gap(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str, tau: float, *, frozen: bool = False
) -> float:
    """Of the JKO or the frozen-field step, over F(y) − J(x) of the former."""
    y, length = quantiles(start, p, config.quantiles), tau * bandwidth**2
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    x = jko_step(energy, y, length, config.residual).x
    gain = float(energy.energy(y[:, None]) - energy.energy(x[:, None])) - wasserstein(x, y) ** 2 / (2 * length)
    to = y + length * energy.velocity(y[:, None])[:, 0] if frozen else x
    return jko.duality_gap(energy, to, y, length, energy.domain) / gain
