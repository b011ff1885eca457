"""`drift verify-flow`: the drift against the Wasserstein gradient flow of the smoothed KL (Proposition 5.5, App. E)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.stats import binomtest
from torch import Generator, Tensor

from drift_cli.config.verify_flow import VerifyFlowConfig
from drift_cli.errors import UserError
from drift_cli.experiments import flow_limits
from drift_cli.figures import verify_flow as figure
from drift_cli.kernels import Gaussian
from drift_cli.report.study import Study, study
from drift_cli.theory import descent, jko, torus_flow
from drift_cli.theory.fits import Fit, fit
from drift_cli.theory.jko import jko_step, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import (
    Field,
    SmoothedKL,
    drift_velocity,
    gap,
    noised_velocity,
    sampled_velocity,
    smoothed_kl,
)

Columns = dict[str, np.ndarray]

STARTS = ("normal", "uniform", "two_atoms")
SCHEMES = ("jko", "frozen", "drift")
_PLANE_NODES = 8  # to the bandwidth at most: a grid in the plane has their square
_NODES_TOLERANCE = 1e-11  # by how much the exact velocity may change when the nodes are doubled, relatively
_AMPLITUDE, _MODE_HORIZON, _MODE_STEPS = 1e-4, 2.0, 40
_FASTEST = 4.0  # σk of a mode on the torus at most: beyond, the drift hardly moves it
_LEFT = 30.0  # a scheme whose energy exceeds the first this many times is followed no further
_GUESSES = 4  # other starting points of the minimisation
_ORDERED = 1e-9  # atoms that stay together do so up to the residual
_NOISED_DRAWS = 4000  # for the comparison of noised queries with the exact velocity
_TRIED = (1, 2, 3, 4)  # particles in the configurations searched
_SEARCH_NODES, _ASCENT_STEPS, _ASCENT_RATE = 241, 60, 0.05
_CLOUD_DEVIATIONS = (0.003, 0.03)  # of clouds in place of the counterexample's point mass
_CLOUD = 9  # particles of each


@dataclass(frozen=True)
class Counterexample:
    """A point mass between a common and a rare mode, σ = 1, and where each field carries it over `times`.

    `energy` and `position` by field, [t]; `noised` the energies [draws, runs, t] of noised queries.
    """

    times: np.ndarray
    position: dict[str, np.ndarray]
    energy: dict[str, np.ndarray]
    noised_times: np.ndarray
    noised: np.ndarray
    landscape: dict[str, np.ndarray]


@dataclass(frozen=True)
class Result:
    """What was measured; `summary` is what summary.json holds."""

    summary: dict[str, float]
    counterexample: Counterexample


def run(config: VerifyFlowConfig, path: Path) -> Result:
    """First variation, gap, JKO steps, their limit, the counterexample; write what was found."""
    with _threads(config.threads):
        return _run(config, path)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _run(config: VerifyFlowConfig, path: Path) -> Result:
    generator = torch.Generator().manual_seed(config.seed)
    p, particles = _target(config), 1.5 * torch.randn(config.particles, 1, generator=generator, dtype=torch.float64)
    _check_nodes(config, p, particles)
    with study("verify-flow", config, path, config.seed, parts=9) as s:
        s.part("the first variation")
        _first_variation(s, config, p, particles, generator)
        s.part("the gap to the plain drift")
        gaps, modes = _gap(s, config, p), _modes(s, config)
        with _refused():
            s.part("JKO steps")
            steps = _steps(s, config, p, generator)
            s.part("schemes and their energies")
            energies = _schemes(s, config, p)
            _summability(s, config, p)
            s.part("the JKO scheme as its step shrinks")
            limit = _limit(s, config, p)
        s.part("the counterexample")
        counterexample = _counterexample(s, config, generator)
        s.part("a search for energies that rise")
        search = _search(s, config, generator)
        normal, width = _quantiles(config, "normal", p), config.bandwidths[-1]
        s.part("particles as their step shrinks and their number grows")
        particle_limits = flow_limits.particles(s, p, width, normal, config.nodes, config.seed)
        s.part("energy and velocity as measures converge")
        continuity = flow_limits.continuity(s, p, _single(p), config.bandwidths, config.nodes)
        folder = path / "figures"
        s.figures += [
            figure.gaps(gaps, modes, folder),
            figure.jko(
                steps, limit, {key: s.summary[f"jko_order_{key}"] for key in ("frozen", "drift", "step")}, folder
            ),
            figure.energies(energies, config.bandwidths[-1], folder),
            figure.counterexample(counterexample, config.noised_draws, search, folder),
            figure.limits(particle_limits, continuity, folder),
        ]
    return Result(s.summary, counterexample)


@contextmanager
def _refused() -> Iterator[None]:
    """A minimisation that does not reach the residual is the user's setting."""
    try:
        yield
    except jko.NotSolved as error:
        raise UserError(f"{error}: raise residual, or choose shorter steps.") from error


def _target(config: VerifyFlowConfig) -> GaussianMixture:
    weights, means, deviations = (
        torch.tensor(each, dtype=torch.float64) for each in (config.weights, config.means, config.deviations)
    )
    return GaussianMixture(weights, means[:, None], deviations.square())


def _check_nodes(config: VerifyFlowConfig, p: GaussianMixture, particles: Tensor) -> None:
    """Before any work: twice as many nodes must not change the velocity, of these particles and of the point mass."""
    rare, start = _rare(config), torch.tensor([[config.start]], dtype=torch.float64)
    for target, bandwidth, x in [(p, bandwidth, particles) for bandwidth in config.bandwidths] + [(rare, 1.0, start)]:
        coarse, fine = (noised_velocity(target, bandwidth, x, x, nodes) for nodes in (config.nodes, 2 * config.nodes))
        change = float((coarse - fine).abs().max() / fine.abs().max())
        if not change <= _NODES_TOLERANCE:
            raise UserError(
                f"nodes={config.nodes} is too coarse for a bandwidth of {bandwidth:g} (twice as many change the "
                f"velocity by {change:.1e}): raise nodes."
            )


def _first_variation(
    s: Study, config: VerifyFlowConfig, p: GaussianMixture, particles: Tensor, generator: Generator
) -> None:
    """−N ∂F by autograd of an energy of densities, against drifts averaged over noised queries; and the plain drift."""
    rows = []
    for bandwidth in config.bandwidths:
        exact = smoothed_kl(p, bandwidth, particles, config.nodes).velocity(particles)
        noised = noised_velocity(p, bandwidth, particles, particles, config.nodes)
        plain = drift_velocity(p, bandwidth, particles, particles)
        sampled, error = sampled_velocity(
            lambda z, bandwidth=bandwidth: drift_velocity(p, bandwidth, particles, z),  # type: ignore[misc]
            bandwidth,
            particles,
            _NOISED_DRAWS,
            generator,
        )
        s.summary[f"plain_drift_difference_sigma{bandwidth:g}"] = _apart(plain, exact)
        rows.append(
            {
                "first_variation": float((exact - noised).abs().max() / exact.abs().max()),
                "plain": _apart(plain, exact),
                "noised": float(((sampled - exact) / error).square().mean().sqrt()),
                "control": float(((plain - exact) / error).square().mean().sqrt()),
            }
        )
    plane, where = _plane(config, generator)
    bandwidth, nodes = max(config.bandwidths), min(config.nodes, _PLANE_NODES)
    exact = smoothed_kl(plane, bandwidth, where, nodes).velocity(where)
    noised = noised_velocity(plane, bandwidth, where, where, nodes)
    in_plane = float((exact - noised).abs().max() / exact.abs().max())
    s.summary |= {
        "first_variation_error": max(in_plane, *(row["first_variation"] for row in rows)),
        "first_variation_error_plane": in_plane,
        "plain_drift_difference": min(row["plain"] for row in rows),
        "noised_query_deviation": max(row["noised"] for row in rows),
        "plain_query_deviation": min(row["control"] for row in rows),
    }


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def _plane(config: VerifyFlowConfig, generator: Generator) -> tuple[GaussianMixture, Tensor]:
    """The target with its modes set apart in a second dimension too, and particles."""
    line, count = _target(config), len(config.weights)
    heights = torch.linspace(-0.3, 0.3, count, dtype=torch.float64)[:, None]
    plane = GaussianMixture(line.weights, torch.cat([line.means, heights], dim=1), line.variances)
    return plane, torch.randn(config.plane_particles, 2, generator=generator, dtype=torch.float64)


def _gap(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    """v − V/σ² between the target and a single mode of its mean and spread, over the bandwidths."""
    (mean, spread), q = _moments(p), _single(p)
    x = mean + spread * torch.linspace(-6, 6, 801, dtype=torch.float64)[:, None]
    found = [gap(p, q, bandwidth, x, config.nodes) for bandwidth in config.gap_bandwidths]
    bandwidths = np.array(config.gap_bandwidths)
    columns = {"bandwidth": bandwidths} | {
        key: np.array([getattr(each, key) for each in found]) for key in ("sup", "norm", "relative", "bound")
    }
    used = bandwidths <= config.gap_fit_below * min(config.deviations)
    for key in ("sup", "norm"):
        _record(s, f"gap_order_{key}", fit(np.log(bandwidths[used]), np.log(columns[key][used])))
        local = np.diff(np.log(columns[key])) / np.diff(np.log(bandwidths))
        s.summary |= {f"gap_order_{key}_first": local[0], f"gap_order_{key}_last": local[-1]}
    for bandwidth, relative in zip(bandwidths, columns["relative"], strict=True):
        s.summary[f"gap_relative_sigma{bandwidth:g}"] = relative
    s.summary["gap_over_bound"] = float((columns["sup"] / columns["bound"]).max())
    s.curves("gap", columns)
    return columns


def _modes(s: Study, config: VerifyFlowConfig) -> Columns:
    """Rates of single modes on the torus under the drift and under the exact velocity, in the nonlinear equation."""
    rows: list[tuple[float, ...]] = []
    for bandwidth in config.bandwidths:
        modes = np.arange(1, min(config.modes, int(_FASTEST / bandwidth + 1e-9)) + 1)
        torus = torus_flow.Torus(2 * max(64, math.ceil(5 / bandwidth)), 1)  # 1.6 points to the bandwidth: 1e-22
        uniform = np.full(torus.n, 1 / torus_flow.PERIOD)
        kernel = torus_flow.periodic(Gaussian(bandwidth), torus)
        rates = []
        for velocity in (torus_flow.drift(kernel, uniform), torus_flow.smoothed_drift(kernel, uniform)):
            found = torus_flow.follow(
                torus, velocity, modes[:, None].astype(float), _AMPLITUDE, _MODE_HORIZON, _MODE_STEPS
            )
            rates.append(-np.log(np.abs(found.amplitudes[-1] / found.amplitudes[0])) / _MODE_HORIZON)
        formula = 1 - np.exp(-((bandwidth * modes) ** 2) / 2)
        rows += zip(*(np.full(len(modes), bandwidth), modes, *rates, 1 - rates[1] / rates[0], formula), strict=True)
    bandwidths, frequencies, plain, exact, measured, formula = (np.array(column) for column in zip(*rows, strict=True))
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


def _quantiles(config: VerifyFlowConfig, start: str, p: GaussianMixture) -> Tensor:
    """Of a start, at the midpoints of equal shares: a normal off the target, a uniform, two atoms within the target."""
    share = (torch.arange(config.quantiles, dtype=torch.float64) + 0.5) / config.quantiles
    mean, spread = _moments(p)
    if start == "normal":
        return mean + spread * (1 + 0.5 * torch.special.ndtri(share))
    if start == "uniform":
        return mean + spread * (4 * share - 2.5)
    return mean + spread * (1.1 * (share > 0.5).double() - 0.5)


def _moments(p: GaussianMixture) -> tuple[float, float]:
    """Mean and standard deviation on a line."""
    mean = p.weights @ p.means[:, 0]
    return float(mean), float((p.weights @ (p.variances + (p.means[:, 0] - mean).square())).sqrt())


def _single(p: GaussianMixture) -> GaussianMixture:
    """A single mode of the mean and spread of p."""
    (mean, spread), one = _moments(p), torch.ones(1, dtype=torch.float64)
    return GaussianMixture(one, mean * one[:, None], spread**2 * one)


def _steps(s: Study, config: VerifyFlowConfig, p: GaussianMixture, generator: Generator) -> Columns:
    """One JKO step from each start, against the frozen-field step and the plain drift's, over the step's length."""
    rows = []
    for bandwidth in config.bandwidths:
        for start in STARTS:
            y = _quantiles(config, start, p)
            energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
            v = noised_velocity(p, bandwidth, y[:, None], y[:, None], config.nodes)[:, 0]
            u = drift_velocity(p, bandwidth, y[:, None], y[:, None])[:, 0]
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
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    s.curves("jko_steps", columns)
    cases = len(config.bandwidths) * len(STARTS)
    taus = np.log(columns["tau"]).reshape(cases, -1)
    for key, name in (("frozen", "jko_order_frozen"), ("drift", "jko_order_drift"), ("step", "jko_order_step")):
        values = np.log(columns[key]).reshape(cases, -1)
        _record(s, name, fit(_centred(taus), _centred(values)))
        slopes = [fit(*case).slope for case in zip(taus, values, strict=True)]
        s.summary |= {f"{name}_least": min(slopes), f"{name}_most": max(slopes)}
    longest = columns["tau"] == config.taus[-1]
    s.summary |= {
        "jko_residual": float(columns["residual"].max()),
        "jko_curvature": float(columns["curvature"].min()),
        "jko_disorder": float(columns["disorder"].max()),
        "jko_drift_relative": float((columns["drift"] / columns["step"])[longest].max()),
        "euler_lagrange_error": float(columns["euler_lagrange"].max()),
        "euler_lagrange_error_frozen": float(columns["euler_lagrange_frozen"][longest].min()),
    }
    for bandwidth in config.bandwidths:
        here = longest & (columns["bandwidth"] == bandwidth)
        s.summary[f"jko_drift_relative_sigma{bandwidth:g}"] = float((columns["drift"] / columns["step"])[here].mean())
    _uniqueness(s, config, p, generator)
    _minimality(s, config, p)
    return columns


def _euler_lagrange(p: GaussianMixture, bandwidth: float, x: Tensor, y: Tensor, length: float, nodes: int) -> float:
    """How far (x − T(x))/τ is from v[x](x), relatively, at the worst quantile (eq. 14).

    Neither side is the solver's: it pairs by index and takes its slope from closed sums over a grid; here T comes from
    an assignment and v from drifts at noised queries.
    """
    v = noised_velocity(p, bandwidth, x[:, None], x[:, None], nodes)[:, 0]
    implicit = (x - jko.optimal_map(x, y)) / length
    return float((implicit - v).abs().max() / v.abs().max())


def _rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def _centred(values: np.ndarray) -> np.ndarray:
    """Each case about its own mean: one slope for all, a height for each."""
    return (values - values.mean(axis=1, keepdims=True)).ravel()


def _disorder(*measures: Tensor) -> float:
    """The largest step back from one quantile to the next: 0 where all are ordered, so that W₂ pairs them by index."""
    return max(max(0.0, -float(x.diff().min())) for x in measures)


def _uniqueness(s: Study, config: VerifyFlowConfig, p: GaussianMixture, generator: Generator) -> None:
    """How far apart the minimisers are that other guesses lead to, at the least and the greatest repeated step.

    With a long step guesses also lead to unordered quantiles, whose pairing with y is not optimal: no JKO steps.
    """
    short, long = config.scheme_taus[0], config.scheme_taus[-1]
    apart = [
        _apart_by_guess(config, p, bandwidth, start, short, generator)
        for bandwidth in config.bandwidths
        for start in STARTS
    ]
    s.summary |= {
        "jko_minimisers_apart": max(apart),
        "jko_minimisers_apart_long": _apart_by_guess(config, p, config.bandwidths[0], "normal", long, generator),
    }


def _minimality(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> None:
    """How much lower J could be at any other measure, in parts of what the step gains; and once after the longest."""
    short, long = config.scheme_taus[0], config.scheme_taus[-1]
    cases = [(bandwidth, start) for bandwidth in config.bandwidths for start in STARTS]
    s.summary |= {
        "jko_duality_gap": max(_duality_gap(config, p, *case, short) for case in cases),
        "frozen_duality_gap": min(_duality_gap(config, p, *case, short, frozen=True) for case in cases),
        "jko_duality_gap_long": _duality_gap(config, p, *cases[0], long),
    }


def _duality_gap(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str, tau: float, *, frozen: bool = False
) -> float:
    """Of the JKO or the frozen-field step, over F(y) − J(x) of the former."""
    y, length = _quantiles(config, start, p), tau * bandwidth**2
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    x = jko_step(energy, y, length, config.residual).x
    gain = float(energy.energy(y[:, None]) - energy.energy(x[:, None])) - wasserstein(x, y) ** 2 / (2 * length)
    to = y + length * energy.velocity(y[:, None])[:, 0] if frozen else x
    return jko.duality_gap(energy, to, y, length, energy.domain) / gain


def _apart_by_guess(
    config: VerifyFlowConfig, p: GaussianMixture, bandwidth: float, start: str, tau: float, generator: Generator
) -> float:
    y = _quantiles(config, start, p)
    mean, spread = _moments(p)
    energy = smoothed_kl(p, bandwidth, y[:, None], config.nodes)
    found, apart = jko_step(energy, y, tau * bandwidth**2, config.residual), 0.0
    for _ in range(_GUESSES):
        guess = mean + 2 * spread * torch.randn(len(y), generator=generator, dtype=torch.float64).sort().values
        other = jko_step(energy, y, tau * bandwidth**2, config.residual, guess)
        if _disorder(other.x) <= _ORDERED:  # else it is no JKO step
            apart = max(apart, wasserstein(found.x, other.x))
    return apart


def _schemes(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    """The energy along the repeated JKO, frozen-field and plain drift steps."""
    bandwidth = config.bandwidths[-1]
    start = _quantiles(config, "normal", p)
    energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
    energies: dict[str, list[float]] = {"tau": [], "step": [], **{scheme: [] for scheme in SCHEMES}}
    for tau in config.scheme_taus:
        length = tau * bandwidth**2
        for scheme in SCHEMES:
            values, moved = _along(scheme, energy, p, start, length, config)
            energies[scheme] += values + [math.nan] * (config.scheme_steps + 1 - len(values))
            s.summary |= {
                f"{scheme}_rise_tau{tau:g}": float(np.diff(values).max(initial=0)),
                f"{scheme}_end_tau{tau:g}": values[-1],
                f"{scheme}_summability_tau{tau:g}": _ratio(values, moved, length),
            }
        energies["tau"] += [tau] * (config.scheme_steps + 1)
        energies["step"] += range(config.scheme_steps + 1)
    for scheme in SCHEMES:
        s.summary[f"{scheme}_rise"] = max(s.summary[f"{scheme}_rise_tau{tau:g}"] for tau in config.scheme_taus)
    columns = {key: np.array(values) for key, values in energies.items()}
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
            velocity = here.velocity if scheme == "frozen" else _drift_of(p, energy.bandwidth)
            x = x + length * velocity(x[:, None])[:, 0]
        values.append(float(smoothed_kl(p, energy.bandwidth, x[:, None], config.nodes).energy(x[:, None])))
        moved += wasserstein(x, before) ** 2
        if values[-1] > _LEFT * values[0]:
            break
    return values, moved


def _summability(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> None:
    """Σ W₂² over 2τ(F(ρ₀) − inf F), the largest: of the schemes above, and from other starts by the least step."""
    bandwidth, taus = config.bandwidths[-1], config.scheme_taus
    for scheme in ("jko", "frozen"):
        ratios = [s.summary[f"{scheme}_summability_tau{tau:g}"] for tau in taus]
        for start in (_quantiles(config, name, p) for name in STARTS[1:]):
            energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
            length = taus[0] * bandwidth**2
            ratios.append(_ratio(*_along(scheme, energy, p, start, length, config), length))
        s.summary[f"{scheme}_summability"] = max(ratios)


def _ratio(values: list[float], moved: float, length: float) -> float:
    """Σ W₂² over 2τ(F(ρ₀) − inf F); inf F is 0, at q = p."""
    return moved / (2 * length * values[0])


def _drift_of(p: GaussianMixture, bandwidth: float) -> Field:
    """Of particles, at themselves."""
    return lambda x: drift_velocity(p, bandwidth, x, x)


def _limit(s: Study, config: VerifyFlowConfig, p: GaussianMixture) -> Columns:
    """The repeated JKO step against the flow of v, and of the plain drift, as the step shrinks."""
    bandwidth = config.bandwidths[-1]
    start, times = _quantiles(config, "normal", p), config.limit_steps[0]
    horizon = config.limit_horizon * bandwidth**2
    energy = smoothed_kl(p, bandwidth, start[:, None], config.nodes)
    at = np.linspace(0, horizon, times + 1)
    exact = jko.flow(energy, start, at)
    plain = descent.follow(_drift_of(p, bandwidth), start, at)
    moved = wasserstein(exact[-1], start)
    rows = []
    for steps in config.limit_steps:
        x, path = start, []
        for k in range(steps):
            x = jko_step(energy, x, horizon / steps, config.residual).x
            if (k + 1) % (steps // times) == 0:
                path.append(x)
        rows.append(
            [
                max(wasserstein(x, other) for x, other in zip(path, flow[1:], strict=True)) / moved
                for flow in (exact, plain)
            ]
        )
    distances, plain_distances = np.array(rows).T
    taus = config.limit_horizon / np.array(config.limit_steps, dtype=float)
    _record(s, "jko_limit_order", fit(np.log(taus), np.log(distances)))
    s.summary |= {"jko_limit_distance": distances[-1], "jko_limit_distance_drift": plain_distances[-1]}
    columns = {"tau": taus, "to_flow": distances, "to_drift_flow": plain_distances}
    s.curves("jko_limit", columns)
    return columns


def _rare(config: VerifyFlowConfig) -> GaussianMixture:
    return descent.two_modes(config.rare_weight, config.rare_distance, config.rare_deviation)


def _counterexample(s: Study, config: VerifyFlowConfig, generator: Generator) -> Counterexample:
    """A point mass under the drift, the exact velocity and noised queries, and the energy along each."""
    p, start = _rare(config), torch.tensor([config.start], dtype=torch.float64)
    fields = {
        "drift": _drift_of(p, 1.0),
        "velocity": lambda z: noised_velocity(p, 1.0, z, z, config.nodes),
    }
    _rates_of_change(s, p, start, config.nodes)
    times = np.linspace(0, config.flow_horizon, 601)
    position = {name: descent.follow(field, start, times)[:, 0].numpy() for name, field in fields.items()}
    steps = max(2, round(config.flow_horizon / config.noised_step))
    paths = torch.stack(
        [
            descent.noised_paths(p, 1.0, config.start, config.noised_runs, draws, config.noised_step, steps, generator)
            for draws in config.noised_draws
        ]
    ).numpy()
    landscape = _landscape(p, config, min(paths.min(), -1.5 * config.rare_distance) - 0.1, paths.max() + 0.1)
    energy_at = CubicSpline(landscape["x"], landscape["energy"])
    energy = {name: _energies(p, x[:, None], config.nodes) for name, x in position.items()}
    for name, suffix in (("drift", "drift"), ("velocity", "exact")):
        s.summary |= {
            f"energy_rises_along_{suffix}": float(energy[name].max() - energy[name][0]),
            f"energy_end_{suffix}": energy[name][-1],
            f"position_end_{suffix}": position[name][-1],
        }
    s.summary |= {
        "energy_start": energy["drift"][0],
        "energy_highest_at_time": times[energy["drift"].argmax()],
        "energy_increase_along_exact": float(np.diff(energy["velocity"]).max()),
    }
    _clouds(s, config, p, times)
    noised = energy_at(paths)
    ends = paths[:, :, -1] * np.sign(position["velocity"][-1]) > 0
    for draws, of, there in zip(config.noised_draws, noised, ends, strict=True):
        interval = binomtest(int(there.sum()), len(there)).proportion_ci(method="wilson")
        s.interval(f"noised_ends_with_exact_draws{draws}", there.mean(), interval.low, interval.high)
        s.summary[f"noised_mean_rise_draws{draws}"] = float((of.mean(axis=0) - of[0, 0]).max())
    s.summary["noised_ends_with_exact"] = float(ends[-1].mean())
    found = Counterexample(times, position, energy, config.noised_step * np.arange(steps + 1), noised, landscape)
    s.curves(
        "counterexample",
        {"time": times}
        | {f"position_{name}": x for name, x in position.items()}
        | {f"energy_{name}": values for name, values in energy.items()},
    )
    s.curves("landscape", landscape)
    s.curves(
        "noised_queries",
        {"time": found.noised_times}
        | {f"energy_mean_draws{d}": of.mean(axis=0) for d, of in zip(config.noised_draws, noised, strict=True)}
        | {f"energy_sd_draws{d}": of.std(axis=0, ddof=1) for d, of in zip(config.noised_draws, noised, strict=True)},
    )
    return found


def _rates_of_change(s: Study, p: GaussianMixture, start: Tensor, nodes: int) -> None:
    """dF/dt along each field, and along each by finite differences of an energy computed another way."""
    x = start[:, None]
    u, v = drift_velocity(p, 1.0, x, x), noised_velocity(p, 1.0, x, x, nodes)
    errors = []
    for name, along in (("drift", u), ("exact", v)):
        change = descent.change(along, v)
        values = [
            descent.quadrature_energy(p, 1.0, (start + shift * 1e-3 * along[:, 0]).numpy()) for shift in (-2, -1, 1, 2)
        ]
        difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / 12e-3
        s.summary[f"energy_rate_{name}"] = change
        errors.append(abs(difference - change) / abs(change))
    s.summary |= {"velocity_drift": float(u), "velocity_exact": float(v), "energy_rate_error": max(errors)}


def _energies(p: GaussianMixture, positions: np.ndarray, nodes: int) -> np.ndarray:
    """F_σ at σ = 1 of the particles in each row [t, n]."""
    everything = torch.from_numpy(positions.reshape(-1, 1))
    energy = smoothed_kl(p, 1.0, everything, nodes)
    return np.array([float(energy.energy(torch.from_numpy(row)[:, None])) for row in positions])


def _clouds(s: Study, config: VerifyFlowConfig, p: GaussianMixture, times: np.ndarray) -> None:
    """The same rise from small clouds in place of the point mass."""
    share = (torch.arange(_CLOUD, dtype=torch.float64) + 0.5) / _CLOUD
    rises = []
    for deviation in _CLOUD_DEVIATIONS:
        x = config.start + deviation * torch.special.ndtri(share)
        path = descent.follow(_drift_of(p, 1.0), x, times)
        energies = _energies(p, path.numpy(), config.nodes)
        rises.append(float(energies.max() - energies[0]))
    s.summary["energy_rises_along_drift_cloud"] = min(rises)


def _landscape(p: GaussianMixture, config: VerifyFlowConfig, low: float, high: float) -> dict[str, np.ndarray]:
    """For a point mass at x: its energy, the drift and the exact velocity there (each point mass alone)."""
    x = np.linspace(low, max(high, 1.5 * config.rare_distance), 801)
    at = torch.from_numpy(x)[:, None]
    u = p.smoothed(1.0).score(at)[:, 0].numpy()  # its own smoothed score is 0 where it is
    v = np.array([float(noised_velocity(p, 1.0, each[None], each[None], config.nodes)) for each in at])
    return {"x": x, "drift": u, "velocity": v, "energy": _energies(p, x[:, None], config.nodes)}


def _search(s: Study, config: VerifyFlowConfig, generator: Generator) -> Columns:
    """How often the energy rises along the drift: in random configurations, and in the worst that moving them finds."""
    rows = []
    for particles in _TRIED:
        drawn = descent.random_configurations(config.configurations, particles, generator).agreement(_SEARCH_NODES)
        few = descent.random_configurations(config.ascents, particles, generator)
        sought = descent.ascend(few, _ASCENT_STEPS, _ASCENT_RATE, _SEARCH_NODES)
        for kind, agreement in (("random", drawn), ("sought", sought)):
            rising, count = int((agreement < 0).sum()), len(agreement)
            interval = binomtest(rising, count).proportion_ci(method="wilson")
            s.interval(f"rising_{kind}_n{particles}", rising / count, interval.low, interval.high)
            rows.append((kind, particles, rising / count, interval.low, interval.high, float(agreement.min())))
    kinds, counts, shares, lows, highs, least = zip(*rows, strict=True)
    s.summary["agreement_least"] = min(least)
    columns = {
        "kind": np.array(kinds),
        "particles": np.array(counts),
        "rising": np.array(shares),
        "low": np.array(lows),
        "high": np.array(highs),
        "least_agreement": np.array(least),
    }
    s.curves("search", columns)
    return columns


def _record(s: Study, key: str, found: Fit) -> None:
    s.interval(key, found.slope, found.low, found.high)
