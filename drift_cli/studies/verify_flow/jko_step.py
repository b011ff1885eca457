r"""Of `drift verify-flow`: one JKO step (eqs. 13–15, App. E.2 and E.3).

$\rho^+ = \arg\min_\rho J(\rho)$ with $J(\rho) = F_\sigma(\rho) + W_2^2(\rho, y)/2\tau$, against the frozen-field step
$y + \tau v[y](y)$ and the plain drift's, $y + \tau u[y](y)$. τ is in units of σ² in the settings.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.studies.study import Study
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import STARTS, moments, quantiles
from drift_cli.theory import jko
from drift_cli.theory.fits import fit
from drift_cli.theory.jko import jko_step, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import drift_velocity, noised_velocity, smoothed_kl

Columns = dict[str, np.ndarray]

_GUESSES = 4  # other starting points of the minimisation
_ORDERED = 1e-9  # atoms that stay together do so up to the residual


def distances(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    r"""$W_2$ of the JKO step to the frozen-field step, the plain drift's and its start: orders in τ (eqs. 14, 15, E.3).

    The paper has $O(\tau^{3/2})$ for the first (eq. 15) and $O(\tau^{1/2})$ for the last (Proposition E.4(ii)). The
    residual of eq. 14 is taken at the JKO and at the frozen-field step.
    """
    cases = list(itertools.product(config.bandwidths, STARTS))
    rows = [row for bandwidth, start in cases for row in _from(config, p, bandwidth, start)]
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    s.curves("jko_steps", columns)
    for key in ("frozen", "drift", "step"):
        _order(s, f"jko_order_{key}", *(columns[name].reshape(len(cases), -1) for name in ("tau", key)))
    longest, relative = columns["tau"] == config.taus[-1], columns["drift"] / columns["step"]
    s.summary |= {
        "jko_residual": float(columns["residual"].max()),
        "jko_curvature": float(columns["curvature"].min()),
        "jko_disorder": float(columns["disorder"].max()),
        "jko_drift_relative": float(relative[longest].max()),
        "euler_lagrange_error": float(columns["euler_lagrange"].max()),
        "euler_lagrange_error_frozen": float(columns["euler_lagrange_frozen"][longest].min()),
    }
    for bandwidth in config.bandwidths:
        here = longest & (columns["bandwidth"] == bandwidth)
        s.summary[f"jko_drift_relative_sigma{bandwidth:g}"] = float(relative[here].mean())
    return columns


def _from(config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str) -> list[dict[str, float | str]]:
    """A step of each length from one start."""
    y = quantiles(start, p, config.quantiles)
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    v = noised_velocity(p, bandwidth, y[:, None], y[:, None], config.nodes)[:, 0]
    u = drift_velocity(p, bandwidth, y[:, None], y[:, None])[:, 0]
    rows: list[dict[str, float | str]] = []
    for tau in config.taus:
        length = tau * bandwidth**2
        found = jko_step(energy, y, length, config.residual)
        w = found.velocity
        rows.append(
            {
                "bandwidth": bandwidth,
                "start": start,
                "tau": tau,
                "frozen": length * _rms(w - v),  # W₂: all are ordered, as `disorder` says
                "drift": length * _rms(w - u),
                "step": length * _rms(w),
                "residual": found.residual,
                "curvature": found.curvature,
                "disorder": _disorder(found.x, y + length * v, y + length * u),
                "euler_lagrange": _euler_lagrange(p, bandwidth, found.x, y, length, config.nodes),
                "euler_lagrange_frozen": _euler_lagrange(p, bandwidth, y + length * v, y, length, config.nodes),
            }
        )
    return rows


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


def _order(s: Study, name: str, taus: np.ndarray, distances: np.ndarray) -> None:
    """In τ [cases, taus]: one slope for all cases, a height for each; and the least and the most of one alone."""
    x, y = np.log(taus), np.log(distances)
    found = fit(_centred(x), _centred(y))
    s.interval(name, found.slope, found.low, found.high)
    slopes = [fit(*case).slope for case in zip(x, y, strict=True)]
    s.summary |= {f"{name}_least": min(slopes), f"{name}_most": max(slopes)}


def _centred(values: np.ndarray) -> np.ndarray:
    """Each case about its own mean."""
    return (values - values.mean(axis=1, keepdims=True)).ravel()


def uniqueness(s: Study, config: VerifyFlowConfig, p: GaussianMixture, generator: Generator) -> None:
    r"""$W_2$ between the minimisers that guesses lead to, at the least and the greatest repeated τ (Proposition E.3).

    With a long step guesses also lead to unordered quantiles, whose pairing with y is not optimal: no JKO steps.
    """
    short, long = config.scheme_taus[0], config.scheme_taus[-1]
    apart = [
        _apart_by_guess(config, p, *case, short, generator) for case in itertools.product(config.bandwidths, STARTS)
    ]
    s.summary |= {
        "jko_minimisers_apart": max(apart),
        "jko_minimisers_apart_long": _apart_by_guess(config, p, config.bandwidths[0], "normal", long, generator),
    }


def _apart_by_guess(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str, tau: float, generator: Generator
) -> float:
    y = quantiles(start, p, config.quantiles)
    mean, spread = moments(p)
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    found, apart = jko_step(energy, y, tau * bandwidth**2, config.residual), 0.0
    for _ in range(_GUESSES):
        guess = mean + 2 * spread * torch.randn(len(y), generator=generator, dtype=torch.float64).sort().values
        other = jko_step(energy, y, tau * bandwidth**2, config.residual, guess)
        if _disorder(other.x) <= _ORDERED:  # else it is no JKO step
            apart = max(apart, wasserstein(found.x, other.x))
    return apart


def minimality(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> None:
    """How much lower J could be at any other measure, over F(y) − J of the JKO step (Proposition E.3, eq. 14).

    A duality gap: of the JKO step, of the frozen-field step, and of the JKO step with the longest repeated τ.
    """
    short, long = config.scheme_taus[0], config.scheme_taus[-1]
    cases = list(itertools.product(config.bandwidths, STARTS))
    s.summary |= {
        "jko_duality_gap": max(_duality_gap(config, p, *case, short) for case in cases),
        "frozen_duality_gap": min(_duality_gap(config, p, *case, short, frozen=True) for case in cases),
        "jko_duality_gap_long": _duality_gap(config, p, *cases[0], long),
    }


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
