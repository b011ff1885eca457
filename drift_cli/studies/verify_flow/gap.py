r"""The gradient field of the smoothed KL and its gap to the drift (Proposition 5.5, E.1).

(ii) $v = -\nabla\,\delta F_\sigma/\delta q = G_\sigma * u$ with $u = V/\sigma^2$; (iii) $v - u = O(\sigma^2)$.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.kernels import Gaussian
from drift_cli.studies.numbers import Interval, Measured, Table, after, slope
from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.studies.verify_flow.starts import mean_and_spread, single_mode
from drift_cli.theory import smoothed_kl as theory
from drift_cli.theory import torus_flow
from drift_cli.theory.mixture import GaussianMixture

_PLANE_NODES = 8  # to the bandwidth at most: a grid in the plane has their square
_NOISED_DRAWS = 4000  # for the comparison of noised queries with the exact velocity
_AMPLITUDE, _MODE_HORIZON, _MODE_STEPS = 1e-4, 2.0, 40
_FASTEST = 4.0  # σk of a mode on the torus at most: beyond, the drift hardly moves it


@dataclass(frozen=True)
class OnLine(Measured):
    """Velocities [n, 1] of particles on a line at one σ, and the relative distance of u from the exact velocity."""

    plain_drift_difference: float
    exact: Tensor  # by autograd of an energy of densities
    noised: Tensor  # the mean drift over noised queries, by quadrature
    sampled: Tensor  # the same of `_NOISED_DRAWS` of them
    error: Tensor  # its standard error
    plain: Tensor  # the drift u itself

    def deviation(self, velocity: Tensor) -> float:
        """Root mean square distance from the exact velocity, in standard errors."""
        return float(((velocity - self.exact) / self.error).square().mean().sqrt())


@dataclass(frozen=True)
class FirstVariation(Measured):
    r"""$-N\,\partial_{x_i}F_\sigma$ against $G_\sigma * u$, and against u itself (Proposition 5.5(ii)).

    The worst over the bandwidths: what is to be the same differs the most, what is not the least.
    """

    first_variation_error: float
    first_variation_error_plane: float
    plain_drift_difference: float
    noised_query_deviation: float  # in standard errors, as the next
    plain_query_deviation: float
    on_line: dict[str, OnLine] = field(metadata=after("_sigma"))


@dataclass(frozen=True)
class Gaps(Measured):
    r"""v − u by bandwidth, absolute and relative to u, with the bound $\frac{\sigma^2}2\sup|u''|$ (E.1).

    With the orders in σ of $\sup|v - u|$ and of its L²(q) norm: fitted, and local at both ends.
    """

    bandwidth: np.ndarray
    sup: np.ndarray
    norm: np.ndarray
    relative: np.ndarray
    bound: np.ndarray
    gap_order_sup: Interval
    gap_order_sup_first: float
    gap_order_sup_last: float
    gap_order_norm: Interval
    gap_order_norm_first: float
    gap_order_norm_last: float
    gap_over_bound: float
    reported: dict[str, float | Interval]
    gap_relative: dict[str, float] = field(metadata=after("_sigma"))

    def tables(self) -> dict[str, Table]:
        return {"gap": {key: getattr(self, key) for key in ("bandwidth", "sup", "norm", "relative", "bound")}}


@dataclass(frozen=True)
class ModeRates:
    """Of each mode k (`mode`) at each σ: its rates, and the share by which it decays more slowly under v than u."""

    bandwidth: np.ndarray
    mode: np.ndarray
    rate_drift: np.ndarray
    rate_exact: np.ndarray
    measured: np.ndarray
    formula: np.ndarray


@dataclass(frozen=True)
class ModeGaps(Measured):
    """That share's largest error, and what it is of the mode that decays fastest under the drift."""

    rates: ModeRates
    mode_gap_error: float
    mode_gap_fastest: float
    mode_gap_fastest_sigma_k: float

    def tables(self) -> dict[str, Table]:
        return {"mode_gap": vars(self.rates)}


def first_variation(
    config: VerifyFlowConfig, p: GaussianMixture, particles: Tensor, generator: Generator
) -> FirstVariation:
    """Particles on a line at every bandwidth, and a few in the plane."""
    found = {
        f"{bandwidth:g}": _on_a_line(config, p, bandwidth, particles, generator) for bandwidth in config.bandwidths
    }
    in_plane = _in_the_plane(config, p, generator)
    return FirstVariation(
        max(in_plane, *(_largest(each.exact, each.noised) for each in found.values())),
        in_plane,
        min(each.plain_drift_difference for each in found.values()),
        max(each.deviation(each.sampled) for each in found.values()),
        min(each.deviation(each.plain) for each in found.values()),
        found,
    )


def _on_a_line(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, particles: Tensor, generator: Generator
) -> OnLine:
    exact = theory.smoothed_kl(p, bandwidth, particles, config.nodes).velocity(particles)
    noised = theory.noised_velocity(p, bandwidth, particles, particles, config.nodes)
    plain = theory.drift_velocity(p, bandwidth, particles, particles)
    sampled, error = theory.sampled_velocity(
        lambda z: theory.drift_velocity(p, bandwidth, particles, z), bandwidth, particles, _NOISED_DRAWS, generator
    )
    return OnLine(float((plain - exact).norm() / exact.norm()), exact, noised, sampled, error, plain)


def _in_the_plane(config: VerifyFlowConfig, line: GaussianMixture, generator: Generator) -> float:
    """The error of a few particles, with the target's modes set apart in a second dimension too."""
    heights = torch.linspace(-0.3, 0.3, len(line.weights), dtype=torch.float64)[:, None]
    p = GaussianMixture(line.weights, torch.cat([line.means, heights], dim=1), line.variances)
    x = torch.randn(config.plane_particles, 2, generator=generator, dtype=torch.float64)
    bandwidth, nodes = max(config.bandwidths), min(config.nodes, _PLANE_NODES)
    return _largest(
        theory.smoothed_kl(p, bandwidth, x, nodes).velocity(x), theory.noised_velocity(p, bandwidth, x, x, nodes)
    )


def _largest(exact: Tensor, other: Tensor) -> float:
    return float((exact - other).abs().max() / exact.abs().max())


def gaps(config: VerifyFlowConfig, p: GaussianMixture) -> Gaps:
    """v − u between the target and a single mode of its mean and spread, over σ (Proposition 5.5(iii), E.1)."""
    (mean, spread), q = mean_and_spread(p), single_mode(p)
    x = mean + spread * torch.linspace(-6, 6, 801, dtype=torch.float64)[:, None]
    found = [theory.gap(p, q, bandwidth, x, config.nodes) for bandwidth in config.gap_bandwidths]
    sigma = np.array(config.gap_bandwidths)
    sup, norm, relative, bound, steepest = map(np.array, zip(*map(astuple, found), strict=True))
    used = sigma <= config.gap_fit_below * min(config.deviations)
    return Gaps(
        sigma, sup, norm, relative, bound, *_orders(sigma, sup, used), *_orders(sigma, norm, used),
        float((sup / bound).max()), _as_reported(sigma, sup, steepest, used),
        {f"{bandwidth:g}": each for bandwidth, each in zip(sigma, relative, strict=True)},
    )  # fmt: skip


def _orders(sigma: np.ndarray, values: np.ndarray, used: np.ndarray) -> tuple[Interval, float, float]:
    """In σ: fitted to the bandwidths `used`, and between the two least and the two greatest of all."""
    local = np.diff(np.log(values)) / np.diff(np.log(sigma))
    return slope(np.log(sigma[used]), np.log(values[used])), local[0], local[-1]


def _as_reported(
    sigma: np.ndarray, sup: np.ndarray, steepest: np.ndarray, used: np.ndarray
) -> dict[str, float | Interval]:
    r"""The gap in the units of a public digest, $F_\sigma = \sigma^2 KL$: $\sigma^2|v - u|$ beside $\sigma^2\sup|u'|$.

    Their ratio is a length; Lipschitz continuity gives at most $\sigma\sqrt{2/\pi}$ on a line, by which it is divided.
    """
    return {
        "flow.gap_over_first_order_bound": float((sup / (sigma * math.sqrt(2 / math.pi) * steepest)).max()),
        "flow.gap_order": slope(np.log(sigma[used]), np.log((sigma**2 * sup)[used])),
    }


def modes(config: VerifyFlowConfig) -> ModeGaps:
    r"""$1 - e^{-\sigma^2k^2/2}$, by which a mode decays more slowly under v than under u, on the torus (ours)."""
    rows = [row for bandwidth in config.bandwidths for row in _mode_rates(config, bandwidth)]
    sigma, k, plain, exact = (np.array(column) for column in zip(*rows, strict=True))
    measured, formula, fastest = 1 - exact / plain, 1 - np.exp(-((sigma * k) ** 2) / 2), plain.argmax()
    return ModeGaps(
        ModeRates(sigma, k, plain, exact, measured, formula),
        float(np.abs(measured - formula).max()), float(measured[fastest]), float((sigma * k)[fastest]),
    )  # fmt: skip


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
