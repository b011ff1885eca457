r"""Of `drift verify-flow`: the gradient field of the smoothed KL and its gap to the drift (Proposition 5.5, E.1).

(ii) $v = -\nabla\,\delta F_\sigma/\delta q = G_\sigma * u$ with $u = V/\sigma^2$; (iii) $v - u = O(\sigma^2)$.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.kernels import Gaussian
from drift_cli.studies.study import Study
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import moments, single
from drift_cli.theory import smoothed_kl as theory
from drift_cli.theory import torus_flow
from drift_cli.theory.fits import fit
from drift_cli.theory.mixture import GaussianMixture

Columns = dict[str, np.ndarray]

_PLANE_NODES = 8  # to the bandwidth at most: a grid in the plane has their square
_NOISED_DRAWS = 4000  # for the comparison of noised queries with the exact velocity
_AMPLITUDE, _MODE_HORIZON, _MODE_STEPS = 1e-4, 2.0, 40
_FASTEST = 4.0  # σk of a mode on the torus at most: beyond, the drift hardly moves it


def first_variation(
    s: Study, config: VerifyFlowConfig, p: GaussianMixture, particles: Tensor, generator: Generator
) -> None:
    r"""$-N\,\partial_{x_i}F_\sigma$ against $G_\sigma * u$, and against u itself, by bandwidth (Proposition 5.5(ii)).

    The first by autograd of an energy of densities, the second an average of drifts over noised queries, by quadrature
    and by sampling.
    """
    rows = [_on_a_line(config, p, bandwidth, particles, generator) for bandwidth in config.bandwidths]
    for bandwidth, row in zip(config.bandwidths, rows, strict=True):
        s.summary[f"plain_drift_difference_sigma{bandwidth:g}"] = row["plain"]
    in_plane = _in_the_plane(config, p, generator)
    s.summary |= {
        "first_variation_error": max(in_plane, *(row["first_variation"] for row in rows)),
        "first_variation_error_plane": in_plane,
        "plain_drift_difference": min(row["plain"] for row in rows),
        "noised_query_deviation": max(row["noised"] for row in rows),
        "plain_query_deviation": min(row["control"] for row in rows),
    }


def _on_a_line(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, particles: Tensor, generator: Generator
) -> dict[str, float]:
    """Relative differences to the exact velocity; deviations of `_NOISED_DRAWS` noised queries in standard errors."""
    exact = theory.smoothed_kl(p, bandwidth, particles, config.nodes).velocity(particles)
    noised = theory.noised_velocity(p, bandwidth, particles, particles, config.nodes)
    plain = theory.drift_velocity(p, bandwidth, particles, particles)
    sampled, error = theory.sampled_velocity(
        lambda z: theory.drift_velocity(p, bandwidth, particles, z), bandwidth, particles, _NOISED_DRAWS, generator
    )
    return {
        "first_variation": _largest(exact, noised),
        "plain": float((plain - exact).norm() / exact.norm()),
        "noised": float(((sampled - exact) / error).square().mean().sqrt()),
        "control": float(((plain - exact) / error).square().mean().sqrt()),
    }


def _in_the_plane(config: VerifyFlowConfig, line: GaussianMixture, generator: Generator) -> float:
    """The same of a few particles, with the target's modes set apart in a second dimension too."""
    heights = torch.linspace(-0.3, 0.3, len(line.weights), dtype=torch.float64)[:, None]
    p = GaussianMixture(line.weights, torch.cat([line.means, heights], dim=1), line.variances)
    x = torch.randn(config.plane_particles, 2, generator=generator, dtype=torch.float64)
    bandwidth, nodes = max(config.bandwidths), min(config.nodes, _PLANE_NODES)
    return _largest(
        theory.smoothed_kl(p, bandwidth, x, nodes).velocity(x), theory.noised_velocity(p, bandwidth, x, x, nodes)
    )


def _largest(exact: Tensor, other: Tensor) -> float:
    return float((exact - other).abs().max() / exact.abs().max())


def gap(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    r"""v − u between the target and a single mode of its mean and spread, over σ (Proposition 5.5(iii), E.1).

    The order of $\sup|v - u|$ and of its L²(q) norm, that relative to u, and the bound $\frac{\sigma^2}2\sup|u''|$.
    """
    (mean, spread), q = moments(p), single(p)
    x = mean + spread * torch.linspace(-6, 6, 801, dtype=torch.float64)[:, None]
    found = [theory.gap(p, q, bandwidth, x, config.nodes) for bandwidth in config.gap_bandwidths]
    bandwidths = np.array(config.gap_bandwidths)
    columns = {"bandwidth": bandwidths} | {
        key: np.array([getattr(each, key) for each in found]) for key in ("sup", "norm", "relative", "bound")
    }
    used = bandwidths <= config.gap_fit_below * min(config.deviations)
    for key in ("sup", "norm"):
        order = fit(np.log(bandwidths[used]), np.log(columns[key][used]))
        s.interval(f"gap_order_{key}", order.slope, order.low, order.high)
        local = np.diff(np.log(columns[key])) / np.diff(np.log(bandwidths))
        s.summary |= {f"gap_order_{key}_first": local[0], f"gap_order_{key}_last": local[-1]}
    for bandwidth, relative in zip(bandwidths, columns["relative"], strict=True):
        s.summary[f"gap_relative_sigma{bandwidth:g}"] = relative
    s.summary["gap_over_bound"] = float((columns["sup"] / columns["bound"]).max())
    s.curves("gap", columns)
    _as_reported(s, bandwidths, columns["sup"], np.array([each.slope for each in found]), used)
    return columns


def _as_reported(s: Study, bandwidths: np.ndarray, sup: np.ndarray, slope: np.ndarray, used: np.ndarray) -> None:
    r"""The gap in the units of a public digest, $F_\sigma = \sigma^2 KL$: $\sigma^2|v - u|$ beside $\sigma^2|u'|$.

    Their ratio is a length; Lipschitz continuity gives at most $\sigma\sqrt{2/\pi}$ on a line, by which it is divided.
    """
    s.summary["reported.flow.gap_over_first_order_bound"] = float(
        (sup / (bandwidths * math.sqrt(2 / math.pi) * slope)).max()
    )
    order = fit(np.log(bandwidths[used]), np.log((bandwidths**2 * sup)[used]))
    s.interval("reported.flow.gap_order", order.slope, order.low, order.high)


def modes(s: Study, config: VerifyFlowConfig) -> Columns:
    r"""$1 - e^{-\sigma^2k^2/2}$, by which a mode decays more slowly under v than under u, on the torus (ours)."""
    rows = [row for bandwidth in config.bandwidths for row in _mode_rates(config, bandwidth)]
    bandwidths, frequencies, plain, exact = (np.array(column) for column in zip(*rows, strict=True))
    measured, formula = 1 - exact / plain, 1 - np.exp(-((bandwidths * frequencies) ** 2) / 2)
    s.summary |= {
        "mode_gap_error": float(np.abs(measured - formula).max()),
        "mode_gap_fastest": float(measured[plain.argmax()]),
        "mode_gap_fastest_sigma_k": float((bandwidths * frequencies)[plain.argmax()]),
    }
    columns = {
        "bandwidth": bandwidths,
        "mode": frequencies,
        "rate_drift": plain,
        "rate_exact": exact,
        "measured": measured,
        "formula": formula,
    }
    s.curves("mode_gap", columns)
    return columns


def _mode_rates(config: VerifyFlowConfig, bandwidth: float) -> list[tuple[float, ...]]:
    """Rows (σ, k, rate under the drift, rate under the exact velocity), each mode alone in the nonlinear equation."""
    frequencies = np.arange(1, min(config.modes, int(_FASTEST / bandwidth + 1e-9)) + 1)
    torus = torus_flow.Torus(2 * max(64, math.ceil(5 / bandwidth)), 1)  # 1.6 points to the bandwidth: 1e-22
    uniform = np.full(torus.n, 1 / torus_flow.PERIOD)
    kernel = torus_flow.periodic(Gaussian(bandwidth), torus)
    rates = []
    for velocity in (torus_flow.drift(kernel, uniform), torus_flow.smoothed_drift(kernel, uniform)):
        found = torus_flow.follow(
            torus, velocity, frequencies[:, None].astype(float), _AMPLITUDE, _MODE_HORIZON, _MODE_STEPS
        )
        rates.append(-np.log(np.abs(found.amplitudes[-1] / found.amplitudes[0])) / _MODE_HORIZON)
    return list(zip(np.full(len(frequencies), bandwidth), frequencies, *rates, strict=True))
