r"""Of `drift spectral`: how long each mode takes to shrink to ε of itself (Corollary 5.4, Figure 2, App. I.2).

$T_k$ is where the accumulated rate $\Lambda_k(t) = \int_0^t\lambda_k(s)\,ds$ reaches $\ln(1/\varepsilon)$.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.studies.spectral.rates import Measurement, measure
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.studies.study import Study
from drift_cli.theory import convergence_times as ct
from drift_cli.theory import torus_flow
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import PERIOD, Torus

_STEP, _MOST_STEPS = 0.25, 2000  # of the nonlinear equation in Figure 2; the fastest rate is below 1
_WITHOUT_CLOSED_FORM = ("linear", "cosine")
_NARROWER = 0.75  # the second bandwidth over the first, where the power of the bandwidth is measured
_NEVER = 1e290  # convergence times above are not compared


@dataclass(frozen=True)
class Course:
    """One drift of Figure 2: T_k in closed form and by root finding; what is left of each mode over time.

    `followed` [times, modes] is the nonlinear equation's, None for a formula that no drift here obeys.
    """

    name: str
    times: np.ndarray
    crossings: np.ndarray
    left: np.ndarray
    followed: np.ndarray | None


@dataclass(frozen=True)
class Figure2:
    """The frequencies, the times of `left` and of `followed`, and every drift."""

    modes: np.ndarray
    t: np.ndarray
    followed_t: np.ndarray
    courses: list[Course]


@dataclass(frozen=True)
class _Drift:
    """The rates over time, and the kernel at each time where the nonlinear equation is solved for it."""

    rates: ct.Course
    kernel_at: Callable[[float], Kernel] | None = None


def growth(s: Study, config: SpectralConfig, measurements: list[Measurement]) -> None:
    r"""How $T_k = \ln(1/\varepsilon)/\lambda_k$ grows with k, fitted to the measured rates (Corollary 5.4).

    Gaussian: the slope of $\ln(\sigma^2k^2/\lambda_k)$ in k², over $\sigma^2/2$; exponential kernel: the power of k.
    """
    for each in measurements:
        if each.name == "gaussian":
            _exponential(s, config.bandwidth, each)
    for d, highest in ((1, config.modes), (2, config.modes_2d)):
        _power(s, config, d, highest)


def _exponential(s: Study, sigma: float, each: Measurement) -> None:
    k, measured = each.frequencies[each.resolved], each.measured[each.resolved]
    if len(k) >= 3:  # ln(T_k σ²k²) is a straight line in k² where the time is exponential
        found = fit(k**2, np.log((sigma * k) ** 2 / measured))
        over = 2 / sigma**2
        key = f"log_time_slope_ratio_gaussian_{each.d}d"
        s.interval(key, found.slope * over, found.low * over, found.high * over)


def _power(s: Study, config: SpectralConfig, d: int, highest: int) -> None:
    lowest = math.ceil(5 / config.far_bandwidth)  # from there on a power, to within a tenth of the exponent
    modes = np.arange(lowest, highest + 1)[:, None] * np.eye(1, d, dtype=int)
    if len(modes) < 3:
        return
    far = measure(config, "laplace", Laplace(config.far_bandwidth), modes, 10 * config.horizon)
    high = far.resolved
    if high.sum() >= 3:
        found = fit(np.log(far.frequencies[high]), -np.log(far.measured[high]))
        s.interval(f"exponent_laplace_{d}d", found.slope, found.low, found.high)
        _power_of_bandwidth(s, config, far, d)


def _power_of_bandwidth(s: Study, config: SpectralConfig, far: Measurement, d: int) -> None:
    """The power of τ with which the time of the highest mode grows, from its rate at a τ a quarter narrower."""
    highest, tau = far.frequencies[far.resolved].argmax(), _NARROWER * config.far_bandwidth
    mode = np.rint(far.frequencies[far.resolved][highest]) * np.eye(1, d, dtype=int)
    narrow = measure(config, "laplace", Laplace(tau), mode, 10 * config.horizon)
    grown = float(narrow.measured[0] / far.measured[far.resolved][highest])
    s.summary[f"reported.spectral.bandwidth_exponent_laplace_{d}d"] = math.log(grown) / -math.log(_NARROWER)


def figure2(s: Study, config: SpectralConfig) -> Figure2:
    r"""$T_k$, $e^{-\Lambda_k(t)}$ and $\sum_k|\hat\eta_k|^2$ of fixed and annealed kernels (Figure 2(a)–(c), App. I.2).

    Closed forms against root finding on the integrated rate, and against the nonlinear equation.
    """
    modes = np.arange(1, config.modes + 1).astype(float)
    t = np.linspace(0, config.follow, 201)
    steps = min(math.ceil(config.follow / _STEP), _MOST_STEPS)
    drifts, courses = _drifts(config), []
    for name, drift in drifts.items():
        times = ct.times(drift.rates, modes, config.epsilon)
        crossings = times if isinstance(drift.rates, ct.Swept) else ct.crossings(drift.rates, modes, config.epsilon)
        left = ct.remaining(drift.rates.accumulated, modes, t)
        followed = None if drift.kernel_at is None else _followed(config, drift.kernel_at, modes, steps)
        courses.append(Course(name, times, crossings, left, followed))
    found = Figure2(modes, t, np.linspace(0, config.follow, steps + 1), courses)
    _report(s, config, found, drifts)
    _write(s, found)
    return found


def _drifts(config: SpectralConfig) -> dict[str, _Drift]:
    d, sigma_min = config.dimension, config.final_bandwidth
    gaussian, laplace = Gaussian(config.bandwidth), Laplace(config.bandwidth)
    annealed = _annealed(config)
    drifts = {
        "gaussian": _Drift(ct.Fixed(gaussian, d), lambda t: gaussian),
        "laplace_paper": _Drift(ct.Fixed(laplace, d, paper=True)),
        "laplace": _Drift(ct.Fixed(laplace, d), lambda t: laplace),
        "annealed": _Drift(annealed, _at_bandwidth(annealed)),
        "annealed_laplace": _Drift(ct.Annealed(Laplace(1.0), d, config.sigma0, sigma_min, config.anneal_rate)),
    }
    for shape in _WITHOUT_CLOSED_FORM:
        swept = ct.Swept(Gaussian(1.0), d, config.sigma0, sigma_min, annealed.sweep, shape == "cosine")
        drifts[shape] = _Drift(swept, _at_bandwidth(swept))
    return drifts


def _annealed(config: SpectralConfig) -> ct.Annealed:
    return ct.Annealed(Gaussian(1.0), config.dimension, config.sigma0, config.final_bandwidth, config.anneal_rate)


def _at_bandwidth(course: ct.Annealed | ct.Swept) -> Callable[[float], Kernel]:
    return lambda t: Gaussian(float(course.bandwidth(np.array(t))))


def _followed(
    config: SpectralConfig, kernel_at: Callable[[float], Kernel], modes: np.ndarray, steps: int
) -> np.ndarray:
    """What the nonlinear equation leaves of each mode, all at once; small enough that ε of a mode is not coupling."""
    d = config.dimension
    torus = Torus(config.grid if d == 1 else config.grid_2d, d)
    vectors = np.zeros((len(modes), d))
    vectors[:, 0] = modes
    phases = np.random.default_rng(config.seed).uniform(0, PERIOD, len(modes))
    amplitude = config.amplitude * max(config.epsilon, 1e-4) / 10
    found = torus_flow.follow_together(torus, kernel_at, vectors, amplitude, phases, config.follow, steps)
    return np.abs(found.amplitudes / found.amplitudes[0])


def _report(s: Study, config: SpectralConfig, found: Figure2, drifts: dict[str, _Drift]) -> None:
    s.summary["crossing_error"] = max(
        float(np.abs(course.crossings / course.times - 1)[finite].max(initial=0))
        for course in found.courses
        if course.name not in _WITHOUT_CLOSED_FORM
        for finite in [np.isfinite(course.times) & (course.times < _NEVER)]
    )
    for course in found.courses:
        s.summary[f"slowest_time_{course.name}"] = float(course.times.max())
        s.summary[f"slowest_mode_{course.name}"] = float(found.modes[int(np.argmax(course.times))])
    s.summary["followed_error"] = _followed_error(config, found, drifts)
    totals = _totals_after_the_sweep(config, found.modes, drifts)
    if (best := min(totals["linear"], totals["cosine"])) > 0:
        s.summary["exponential_over_other_sweeps"] = totals["annealed"] / best
    fastest_fixed = min(s.summary["slowest_time_gaussian"], s.summary["slowest_time_laplace"])
    s.summary["annealed_over_fixed"] = s.summary["slowest_time_annealed"] / fastest_fixed
    s.summary["anneal_rate_times_decay"] = config.anneal_rate * math.log(1 / config.epsilon)


def _followed_error(config: SpectralConfig, found: Figure2, drifts: dict[str, _Drift]) -> float:
    """The largest relative difference of the nonlinear equation to the linear one, while more than ε is left."""
    differences = []
    for course in found.courses:
        if course.followed is not None:
            left = ct.remaining(drifts[course.name].rates.accumulated, found.modes, found.followed_t)
            seen = left >= config.epsilon
            differences.append(float(np.abs(course.followed / left - 1)[seen].max()))
    return max(differences)


def _totals_after_the_sweep(config: SpectralConfig, modes: np.ndarray, drifts: dict[str, _Drift]) -> dict[str, float]:
    """The total error of each way to anneal when σ_min is reached."""
    end = np.array([_annealed(config).sweep])
    return {
        name: float(ct.total_error(ct.remaining(drifts[name].rates.accumulated, modes, end))[0])
        for name in ("annealed", *_WITHOUT_CLOSED_FORM)
    }


def _write(s: Study, found: Figure2) -> None:
    columns = {"mode": found.modes}
    for course in found.courses:
        columns |= {f"{course.name}_closed_form": course.times, f"{course.name}_by_integration": course.crossings}
    s.curves("convergence_times", columns)
    for course in found.courses:
        _write_errors(s, f"errors_{course.name}", found.modes, found.t, course.left)
        if course.followed is not None:
            _write_errors(s, f"errors_{course.name}_nonlinear", found.modes, found.followed_t, course.followed)


def _write_errors(s: Study, name: str, modes: np.ndarray, t: np.ndarray, left: np.ndarray) -> None:
    per_mode = {f"mode_{int(k)}": left[:, i] for i, k in enumerate(modes)}
    s.curves(name, {"time": t, "total": ct.total_error(left)} | per_mode)
