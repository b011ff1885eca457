"""The JKO step repeated, and its limit (Propositions E.3 and E.4, Theorem E.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from drift_cli.studies.numbers import Interval, Measured, Table, after, before, slope
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import STARTS, drift_of, quantiles
from drift_cli.theory import descent, jko
from drift_cli.theory.jko import jko_step, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import SmoothedKL, smoothed_kl

_SCHEMES = ("jko", "frozen", "drift")
_LEFT = 30.0  # a scheme whose energy exceeds the first this many times is followed no further


@dataclass(frozen=True)
class Repeated(Measured):
    """F_σ at the start and after each step [t], NaN after the scheme has left; its greatest rise in a step, its end."""

    energy: np.ndarray
    rise: float
    end: float
    summability: float  # Σ W₂² over 2τ(F(ρ₀) − inf F); inf F is 0, at q = p


@dataclass(frozen=True)
class OneLength(Measured):
    """The JKO, frozen-field and plain drift steps of one length τ, repeated."""

    schemes: dict[str, Repeated] = field(metadata=before("_"))


@dataclass(frozen=True)
class Energies(Measured):
    r"""The same for each τ, in units of σ², and for each scheme the greatest rise at any (descent: Proposition E.3).

    `summability`: the largest ratio of $\sum_kW_2^2(\rho_k, \rho_{k+1})$ to $2\tau(F(\rho_0) - \inf F)$, from other
    starts too; the paper has at most 1 (Proposition E.4(i)).
    """

    taus: list[float]
    lengths: dict[str, OneLength] = field(metadata=after("_tau"))
    rise: dict[str, float] = field(metadata=before("_"))
    summability: dict[str, float] = field(metadata=before("_"))

    def tables(self) -> dict[str, Table]:
        found = [each.schemes for each in self.lengths.values()]
        steps = len(found[0]["jko"].energy)
        return {"energies": {
            "tau": np.repeat(self.taus, steps),
            "step": np.tile(np.arange(steps), len(found)),
            **{scheme: np.concatenate([each[scheme].energy for each in found]) for scheme in _SCHEMES},
        }}  # fmt: skip


@dataclass(frozen=True)
class Limit(Measured):
    """The repeated JKO step against the flow of v, and of the plain drift, as the step shrinks (Theorem E.5).

    The largest W₂ at common times, in parts of the way that the flow of v takes; its order in τ, and at the least τ.
    """

    tau: np.ndarray
    to_flow: np.ndarray
    to_drift_flow: np.ndarray
    jko_limit_order: Interval
    jko_limit_distance: float
    jko_limit_distance_drift: float

    def tables(self) -> dict[str, Table]:
        return {"jko_limit": {"tau": self.tau, "to_flow": self.to_flow, "to_drift_flow": self.to_drift_flow}}


def energies(config: VerifyFlowConfig, p: GaussianMixture) -> Energies:
    """At the greatest bandwidth: every scheme at every τ from one start, and by the least from the others."""
    lengths = {
        f"{tau:g}": OneLength({scheme: _along(config, p, scheme, "normal", tau) for scheme in _SCHEMES})
        for tau in config.scheme_taus
    }
    followed = {scheme: [each.schemes[scheme] for each in lengths.values()] for scheme in _SCHEMES}
    others = {
        scheme: [_along(config, p, scheme, start, config.scheme_taus[0]) for start in STARTS[1:]]
        for scheme in ("jko", "frozen")
    }
    return Energies(
        config.scheme_taus,
        lengths,
        {scheme: max(each.rise for each in of) for scheme, of in followed.items()},
        {scheme: max(each.summability for each in followed[scheme] + of) for scheme, of in others.items()},
    )


def _along(config: VerifyFlowConfig, p: GaussianMixture, scheme: str, start: str, tau: float) -> Repeated:
    """Cut off where the scheme has left."""
    x, bandwidth, moved = quantiles(start, p, config.quantiles), config.bandwidths[-1], 0.0
    energy, length = smoothed_kl(p, bandwidth, x[:, None], config.nodes), tau * bandwidth**2
    values = [float(energy.energy(x[:, None]))]
    for _ in range(config.scheme_steps):
        previous = x
        if scheme == "jko":
            x = jko_step(energy, x, length, config.residual).x
        else:
            here = smoothed_kl(p, bandwidth, x[:, None], config.nodes)
            velocity = here.velocity if scheme == "frozen" else drift_of(p, bandwidth)
            x = x + length * velocity(x[:, None])[:, 0]
        values.append(float(smoothed_kl(p, bandwidth, x[:, None], config.nodes).energy(x[:, None])))
        moved += wasserstein(x, previous) ** 2
        if values[-1] > _LEFT * values[0]:
            break
    return Repeated(
        np.array(values + [math.nan] * (config.scheme_steps + 1 - len(values))),
        float(np.diff(values).max(initial=0)), values[-1], moved / (2 * length * values[0]),
    )  # fmt: skip


def limit(config: VerifyFlowConfig, p: GaussianMixture) -> Limit:
    """From one start at the greatest bandwidth, over one horizon in ever more steps."""
    bandwidth = config.bandwidths[-1]
    start, times = quantiles("normal", p, config.quantiles), config.limit_steps[0]
    horizon = config.limit_horizon * bandwidth**2
    energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
    at = np.linspace(0, horizon, times + 1)
    exact = jko.flow(energy, start, at)
    plain = descent.follow(drift_of(p, bandwidth), start, at)
    moved = wasserstein(exact[-1], start)
    rows = []
    for steps in config.limit_steps:
        path = _repeated(energy, start, horizon, steps, config.residual)[:: steps // times]
        rows.append([_farthest(path, flow) / moved for flow in (exact, plain)])
    to_flow, to_drift_flow = np.array(rows).T
    tau = config.limit_horizon / np.array(config.limit_steps, dtype=float)
    order = slope(np.log(tau), np.log(to_flow))
    return Limit(tau, to_flow, to_drift_flow, order, to_flow[-1], to_drift_flow[-1])


def _repeated(energy: SmoothedKL, x: Tensor, horizon: float, steps: int, residual: float) -> list[Tensor]:
    """The start, and where each of `steps` JKO steps over the horizon leads."""
    path = [x]
    for _ in range(steps):
        path.append(jko_step(energy, path[-1], horizon / steps, residual).x)
    return path


def _farthest(path: list[Tensor], flow: Tensor) -> float:
    """The largest W₂ at the times [t] of both."""
    return max(wasserstein(x, other) for x, other in zip(path, flow, strict=True))
