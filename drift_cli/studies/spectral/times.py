r"""How long each mode takes to shrink to ε of itself (Corollary 5.4, Figure 2, App. I.2).

$T_k$ is where the accumulated rate $\Lambda_k(t) = \int_0^t\lambda_k(s)\,ds$ reaches $\ln(1/\varepsilon)$.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.studies.numbers import Interval, Measured, Table, after, slope
from drift_cli.studies.spectral.rates import Measurement, measure
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.theory import convergence_times as ct
from drift_cli.theory import torus_flow
from drift_cli.theory.torus_flow import PERIOD, Torus

_STEP, _MOST_STEPS = 0.25, 2000  # of the nonlinear equation in Figure 2; the fastest rate is below 1
_WITHOUT_CLOSED_FORM = ("linear", "cosine")
_NARROWER = 0.75  # the second bandwidth over the first, where the power of the bandwidth is measured
_NEVER = 1e290  # convergence times above are not compared


@dataclass(frozen=True)
class Growth(Measured):
    r"""How $T_k$ grows with k, with the fitted interval, by kernel and dimension; nothing where too few modes decay.

    `log_time_slope_ratio` is the slope of $\ln(T_k\sigma^2k^2)$ in k² over $\sigma^2/2$, `exponent` the power of k.
    `reported`: the power of the bandwidth, and $(\sigma k)^2$ of the shortest time of the Gaussian kernel in 1-D.
    """

    log_time_slope_ratio: dict[str, Interval] = field(metadata=after("_"))
    exponent: dict[str, Interval] = field(metadata=after("_"))
    reported: dict[str, float]


@dataclass(frozen=True)
class OneDrift(Measured):
    """One drift of Figure 2: T_k in closed form and by root finding; what is left of each mode over time.

    `left` is [times, modes]; so is `followed`, of the nonlinear equation, None for a formula that no drift here obeys.
    """

    slowest_time: float
    slowest_mode: float
    rates: ct.Decay
    times: np.ndarray
    crossings: np.ndarray
    left: np.ndarray
    followed: np.ndarray | None


@dataclass(frozen=True)
class Figure2(Measured):
    """Every drift, the frequencies, and the times of `left` and of `followed`.

    The errors are the largest relative differences of root finding to the closed form, and of the nonlinear equation
    to the linear one while more than ε is left. The ratios are of the total error when σ_min is reached, exponential
    annealing over the better of the others, and of the slowest time, annealed over the better fixed kernel.
    """

    courses: dict[str, OneDrift] = field(metadata=after("_"))
    modes: np.ndarray
    t: np.ndarray
    followed_t: np.ndarray
    crossing_error: float
    followed_error: float
    exponential_over_other_sweeps: float | None
    annealed_over_fixed: float
    anneal_rate_times_decay: float

    def tables(self) -> dict[str, Table]:
        times = {"mode": self.modes}
        found: dict[str, Table] = {"convergence_times": times}
        for name, each in self.courses.items():
            times |= {f"{name}_closed_form": each.times, f"{name}_by_integration": each.crossings}
            found[f"errors_{name}"] = self._errors(self.t, each.left)
            if each.followed is not None:
                found[f"errors_{name}_nonlinear"] = self._errors(self.followed_t, each.followed)
        return found

    def _errors(self, t: np.ndarray, left: np.ndarray) -> Table:
        per_mode = {f"mode_{int(k)}": left[:, i] for i, k in enumerate(self.modes)}
        return {"time": t, "total": ct.total_error(left)} | per_mode


@dataclass(frozen=True)
class _Drift:
    """The rates over time, and the kernel at each time where the nonlinear equation is solved for it."""

    rates: ct.Decay
    kernel_at: Callable[[float], Kernel] | None = None


def growth(config: SpectralConfig, measurements: Sequence[Measurement]) -> Growth:
    r"""How $T_k = \ln(1/\varepsilon)/\lambda_k$ grows with k, fitted to the measured rates (Corollary 5.4)."""
    slopes, exponents, reported = {}, {}, {}
    for each in measurements:
        if each.name == "gaussian":
            if each.resolved.sum() >= 3:
                slopes[f"gaussian_{each.d}d"] = _log_time_slope_ratio(config.bandwidth, each)
            if each.d == 1 and (fastest := _fastest(each)) is not None:
                reported["spectral.fastest_sigma_k_squared"] = fastest
    for d, highest in ((1, config.modes), (2, config.modes_2d)):
        lowest = math.ceil(5 / config.far_bandwidth)  # from there on a power, to within a tenth of the exponent
        modes = np.arange(lowest, highest + 1)[:, None] * np.eye(1, d, dtype=int)
        if len(modes) < 3:
            continue
        far = measure(config, "laplace", Laplace(config.far_bandwidth), modes, 10 * config.horizon)
        high = far.resolved
        if high.sum() >= 3:
            exponents[f"laplace_{d}d"] = slope(np.log(far.frequencies[high]), -np.log(far.measured[high]))
            reported[f"spectral.bandwidth_exponent_laplace_{d}d"] = _power_of_bandwidth(config, far)
    return Growth(slopes, exponents, reported)


def _log_time_slope_ratio(sigma: float, each: Measurement) -> Interval:
    """Where the time is exponential, ln(T_k σ²k²) is a straight line in k²."""
    k, measured, unit = each.frequencies[each.resolved], each.measured[each.resolved], 2 / sigma**2
    found = slope(k**2, np.log((sigma * k) ** 2 / measured))
    return Interval(found.value * unit, found.low * unit, found.high * unit)


def _fastest(each: Measurement) -> float | None:
    """(σk)² where the measured rate is largest, by the parabola of its logarithm through three neighbouring modes."""
    top = int(np.argmax(each.measured))
    if not 0 < top < len(each.measured) - 1:
        return None
    around = slice(top - 1, top + 2)
    a, b, _ = np.polyfit(np.log(each.frequencies[around]), np.log(each.measured[around]), 2)
    return (each.kernel.bandwidth * math.exp(-b / (2 * a))) ** 2


def _power_of_bandwidth(config: SpectralConfig, far: Measurement) -> float:
    """The power of τ with which the time of the highest mode grows, from its rate at a τ a quarter narrower."""
    highest, tau = far.frequencies[far.resolved].argmax(), _NARROWER * config.far_bandwidth
    mode = np.rint(far.frequencies[far.resolved][highest]) * np.eye(1, far.d, dtype=int)
    narrow = measure(config, "laplace", Laplace(tau), mode, 10 * config.horizon)
    grown = float(narrow.measured[0] / far.measured[far.resolved][highest])
    return math.log(grown) / -math.log(_NARROWER)


def figure2(config: SpectralConfig) -> Figure2:
    r"""$T_k$, $e^{-\Lambda_k(t)}$ and $\sum_k|\hat\eta_k|^2$ of fixed and annealed kernels (Figure 2(a)–(c), App. I.2).

    Closed forms against root finding on the integrated rate, and against the nonlinear equation.
    """
    modes = np.arange(1, config.modes + 1).astype(float)
    t = np.linspace(0, config.follow, 201)
    steps = min(math.ceil(config.follow / _STEP), _MOST_STEPS)
    followed_t = np.linspace(0, config.follow, steps + 1)
    courses = {name: _course(config, drift, modes, t, steps) for name, drift in _drifts(config).items()}
    end = np.array([_annealed(config).sweep])
    totals = {
        name: float(ct.total_error(ct.remaining(courses[name].rates.accumulated, modes, end))[0])
        for name in ("annealed", *_WITHOUT_CLOSED_FORM)
    }
    best = min(totals[name] for name in _WITHOUT_CLOSED_FORM)
    fixed = min(courses["gaussian"].slowest_time, courses["laplace"].slowest_time)
    return Figure2(
        courses, modes, t, followed_t,
        crossing_error=max(_crossing_error(each) for each in courses.values()),
        followed_error=max(_followed_error(config, each, modes, followed_t) for each in courses.values()),
        exponential_over_other_sweeps=totals["annealed"] / best if best > 0 else None,
        annealed_over_fixed=courses["annealed"].slowest_time / fixed,
        anneal_rate_times_decay=config.anneal_rate * math.log(1 / config.epsilon),
    )  # fmt: skip


def _course(config: SpectralConfig, drift: _Drift, modes: np.ndarray, t: np.ndarray, steps: int) -> OneDrift:
    times = ct.times(drift.rates, modes, config.epsilon)
    crossings = times if isinstance(drift.rates, ct.Swept) else ct.crossings(drift.rates, modes, config.epsilon)
    left = ct.remaining(drift.rates.accumulated, modes, t)
    followed = None if drift.kernel_at is None else _followed(config, drift.kernel_at, modes, steps)
    slowest = int(np.argmax(times))
    return OneDrift(float(times.max()), float(modes[slowest]), drift.rates, times, crossings, left, followed)


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
        swept = ct.Swept(Gaussian(1.0), d, ct.sweep(shape, config.sigma0, sigma_min, annealed.sweep))
        drifts[shape] = _Drift(swept, _at_bandwidth(swept))
    return drifts


def _annealed(config: SpectralConfig) -> ct.Annealed:
    return ct.Annealed(Gaussian(1.0), config.dimension, config.sigma0, config.final_bandwidth, config.anneal_rate)


def _at_bandwidth(course: ct.Annealed | ct.Swept) -> Callable[[float], Kernel]:
    followed = course.course
    return lambda t: Gaussian(float(followed.at(np.array(t))))


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


def _crossing_error(course: OneDrift) -> float:
    """Over the times that do not overflow; 0 without a closed form, as the crossings stand for it."""
    finite = np.isfinite(course.times) & (course.times < _NEVER)
    return float(np.abs(course.crossings / course.times - 1)[finite].max(initial=0))


def _followed_error(config: SpectralConfig, course: OneDrift, modes: np.ndarray, t: np.ndarray) -> float:
    if course.followed is None:
        return 0.0
    left = ct.remaining(course.rates.accumulated, modes, t)
    return float(np.abs(course.followed / left - 1)[left >= config.epsilon].max())
