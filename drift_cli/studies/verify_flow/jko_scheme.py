"""Of `drift verify-flow`: the JKO step repeated, and its limit (Propositions E.3 and E.4, Theorem E.5)."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from drift_cli.studies.study import Study
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import STARTS, drift_of, quantiles
from drift_cli.theory import descent, jko
from drift_cli.theory.fits import fit
from drift_cli.theory.jko import jko_step, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import SmoothedKL, smoothed_kl

Columns = dict[str, np.ndarray]

_SCHEMES = ("jko", "frozen", "drift")
_LEFT = 30.0  # a scheme whose energy exceeds the first this many times is followed no further


def energies(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    r"""$F_\sigma$ along the repeated JKO, frozen-field and plain drift steps, for each τ (descent: Proposition E.3)."""
    bandwidth = config.bandwidths[-1]
    start = quantiles("normal", p, config.quantiles)
    energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
    found: dict[str, list[float]] = {"tau": [], "step": [], **{scheme: [] for scheme in _SCHEMES}}
    for tau in config.scheme_taus:
        length = tau * bandwidth**2
        for scheme in _SCHEMES:
            values, moved = _along(scheme, energy, p, start, length, config)
            found[scheme] += values + [math.nan] * (config.scheme_steps + 1 - len(values))
            s.summary |= {
                f"{scheme}_rise_tau{tau:g}": float(np.diff(values).max(initial=0)),
                f"{scheme}_end_tau{tau:g}": values[-1],
                f"{scheme}_summability_tau{tau:g}": _ratio(values, moved, length),
            }
        found["tau"] += [tau] * (config.scheme_steps + 1)
        found["step"] += range(config.scheme_steps + 1)
    for scheme in _SCHEMES:
        s.summary[f"{scheme}_rise"] = max(s.summary[f"{scheme}_rise_tau{tau:g}"] for tau in config.scheme_taus)
    columns = {key: np.array(values) for key, values in found.items()}
    s.curves("energies", columns)
    return columns


def _along(
    scheme: str, energy: SmoothedKL, p: GaussianMixture, start: Tensor, length: float, config: VerifyFlowConfig
) -> tuple[list[float], float]:
    """F_σ at the start and after each step, and the sum of W₂² over the steps; cut off where the scheme has left."""
    x, values, moved = start, [float(energy.energy(start[:, None]))], 0.0
    for _ in range(config.scheme_steps):
        before = x
        if scheme == "jko":
            x = jko_step(energy, x, length, config.residual).x
        else:
            here = smoothed_kl(p, energy.bandwidth, x[:, None], config.nodes)
            velocity = here.velocity if scheme == "frozen" else drift_of(p, energy.bandwidth)
            x = x + length * velocity(x[:, None])[:, 0]
        values.append(float(smoothed_kl(p, energy.bandwidth, x[:, None], config.nodes).energy(x[:, None])))
        moved += wasserstein(x, before) ** 2
        if values[-1] > _LEFT * values[0]:
            break
    return values, moved


def _ratio(values: list[float], moved: float, length: float) -> float:
    """Σ W₂² over 2τ(F(ρ₀) − inf F); inf F is 0, at q = p."""
    return moved / (2 * length * values[0])


def summability(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> None:
    r"""$\sum_kW_2^2(\rho_k, \rho_{k+1}) \le 2\tau(F(\rho_0) - \inf F)$, the largest ratio (Proposition E.4(i)).

    Of the schemes that `energies` has put into the summary, and from other starts by the least step.
    """
    bandwidth, taus = config.bandwidths[-1], config.scheme_taus
    for scheme in ("jko", "frozen"):
        ratios = [s.summary[f"{scheme}_summability_tau{tau:g}"] for tau in taus]
        for start in (quantiles(name, p, config.quantiles) for name in STARTS[1:]):
            energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
            length = taus[0] * bandwidth**2
            ratios.append(_ratio(*_along(scheme, energy, p, start, length, config), length))
        s.summary[f"{scheme}_summability"] = max(ratios)


def limit(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    """The repeated JKO step against the flow of v, and of the plain drift, as the step shrinks (Theorem E.5).

    The largest W₂ at common times, in parts of the way that the flow of v takes.
    """
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
    distances, plain_distances = np.array(rows).T
    taus = config.limit_horizon / np.array(config.limit_steps, dtype=float)
    found = fit(np.log(taus), np.log(distances))
    s.interval("jko_limit_order", found.slope, found.low, found.high)
    s.summary |= {"jko_limit_distance": distances[-1], "jko_limit_distance_drift": plain_distances[-1]}
    columns = {"tau": taus, "to_flow": distances, "to_drift_flow": plain_distances}
    s.curves("jko_limit", columns)
    return columns


def _repeated(energy: SmoothedKL, x: Tensor, horizon: float, steps: int, residual: float) -> list[Tensor]:
    """The start, and where each of `steps` JKO steps over the horizon leads."""
    path = [x]
    for _ in range(steps):
        path.append(jko_step(energy, path[-1], horizon / steps, residual).x)
    return path


def _farthest(path: list[Tensor], flow: Tensor) -> float:
    """The largest W₂ at the times [t] of both."""
    return max(wasserstein(x, other) for x, other in zip(path, flow, strict=True))
