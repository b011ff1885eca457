"""`drift spectral`: rates of decay per frequency, predicted and measured, and the convergence times they give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drift_cli.config.spectral import SpectralConfig
from drift_cli.errors import UserError
from drift_cli.figures import spectral as figures
from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Matern52, RationalQuadratic, Spectral
from drift_cli.report.study import Study, study
from drift_cli.theory import convergence_times as ct
from drift_cli.theory import inhomogeneous, particle_rates, rates, torus_flow, torus_sinkhorn
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import PERIOD, Torus

_RESOLVED = 1e-3  # a rate is measured where the mode loses at least this part over the horizon
_STEP = 0.25  # of the nonlinear equation in Figure 2; the fastest rate is below 1
_PARTICLE_AMPLITUDE = 1e-2
_WITHOUT_CLOSED_FORM = ("linear", "cosine")
_NEVER = 1e290  # convergence times above are not compared
_STABILITY_MODE = 4  # the bandwidth is chosen so that this mode is the fastest


@dataclass(frozen=True)
class Measurement:
    """One kernel in one dimension: rates at the frequencies [m]; `resolved` says which were there to be measured."""

    name: str
    kernel: Spectral
    d: int
    frequencies: np.ndarray
    exact: np.ndarray
    paper: np.ndarray
    measured: np.ndarray
    errors: np.ndarray
    resolved: np.ndarray

    @property
    def exact_error(self) -> float:
        """Largest relative difference between measured and exact rate, over the resolved modes."""
        return self._largest(self.exact)

    @property
    def paper_error(self) -> float:
        """The same against the paper's formula."""
        return self._largest(self.paper)

    def _largest(self, predicted: np.ndarray) -> float:
        return float(np.abs(self.measured / predicted - 1)[self.resolved].max())


@dataclass(frozen=True)
class Prediction:
    """Both formulas for one kernel in one dimension."""

    name: str
    d: int
    frequencies: np.ndarray
    exact: np.ndarray
    paper: np.ndarray


@dataclass(frozen=True)
class Particles:
    """Rates of one kernel from particles at random starts, beside the exact ones. `half_width`: of a 95 % interval."""

    name: str
    modes: np.ndarray
    exact: np.ndarray
    measured: np.ndarray
    half_width: np.ndarray


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
    modes: np.ndarray
    t: np.ndarray
    followed_t: np.ndarray
    courses: list[Course]


@dataclass(frozen=True)
class Beyond:
    """What is not in the papers' theorem: other targets, other drifts, finite steps."""

    orders: np.ndarray
    target_exact: np.ndarray
    target_measured: np.ndarray
    target_homogeneous: np.ndarray
    spectrum: np.ndarray
    spectrum_smoothed: np.ndarray
    modes: np.ndarray
    sinkhorn: tuple[np.ndarray, np.ndarray]
    smoothed_kl: tuple[np.ndarray, np.ndarray]
    steps: dict[str, np.ndarray]
    growth: dict[str, np.ndarray]
    limits: dict[str, float]


@dataclass(frozen=True)
class Result:
    predictions: list[Prediction]
    measurements: list[Measurement]
    particles: list[Particles]
    figure2: Figure2
    beyond: Beyond
    summary: dict[str, float]


def run(config: SpectralConfig, path: Path) -> Result:
    """Measure, compare, draw and write everything into the run folder."""
    kernels = {name: _kernel(name, config.bandwidth, config.alpha) for name in config.kernels}
    _refuse_what_cannot_be_measured(config, kernels)
    with study("spectral", config, path, config.seed, parts=2 * len(kernels) + 5) as s:
        predictions = _predict(s, config, kernels)
        measurements = []
        for name, kernel in kernels.items():
            for d in (1, 2):
                s.part(f"nonlinear equation in {d}-D, {name}")
                measurements.append(_measure(config, name, kernel, _modes(config, d), config.horizon))
        _report_rates(s, measurements)
        s.part("growth of the convergence time with the frequency")
        _report_growth(s, config, measurements)
        s.part("particles")
        particles = _particles(s, config)
        s.part("convergence times")
        figure2 = _figure2(s, config)
        s.part("other targets, other drifts, finite steps")
        beyond = _beyond(s, config)
        s.part("figures")
        folder = path / "figures"
        s.figures += [
            figures.draw_predictions(predictions, config.bandwidth, folder),
            figures.draw_rates(measurements, particles, folder),
            figures.draw_times(figure2, config.epsilon, config.dimension, folder),
            figures.draw_beyond(beyond, config.target_ratio, config.tilt, config.regularisation, folder),
        ]
        for key in [key for key, value in s.summary.items() if not math.isfinite(value)]:
            del s.summary[key]  # infinite with these settings, or nothing was there to be measured
    return Result(predictions, measurements, particles, figure2, beyond, dict(s.summary))


def _kernel(name: str, bandwidth: float, alpha: float) -> Spectral:
    if name == "rational_quadratic":
        return RationalQuadratic(bandwidth, alpha)
    made: dict[str, Callable[[float], Spectral]] = {
        "gaussian": Gaussian,
        "laplace": Laplace,
        "matern32": Matern32,
        "matern52": Matern52,
    }
    return made[name](bandwidth)


def _refuse_what_cannot_be_measured(config: SpectralConfig, kernels: dict[str, Spectral]) -> None:
    used = {
        **{f"bandwidth {config.bandwidth:g} of {name}": kernel for name, kernel in kernels.items()},
        f"far_bandwidth {config.far_bandwidth:g}": Laplace(config.far_bandwidth),
        f"sigma0 {config.sigma0:g}": Gaussian(config.sigma0),
    }
    for what, kernel in used.items():
        try:
            torus_flow.images(kernel, 2)
        except ValueError as error:
            remedy = "Raise alpha or make it smaller." if isinstance(kernel, RationalQuadratic) else "Make it smaller."
            raise UserError(f"{what} is too wide for a torus of period 2π: {error}. {remedy}") from error
    for name, kernel in kernels.items():
        for d in (1, 2):
            frequencies = np.linalg.norm(_modes(config, d), axis=1)
            fastest = float(kernel.rate(frequencies, d).max())
            if fastest * config.horizon < _RESOLVED:
                remedy = f"the smallest that will do is {_RESOLVED / fastest:.3g}" if fastest > 0 else "lower bandwidth"
                raise UserError(
                    f"horizon is too short for anything to decay with the {name} kernel of bandwidth "
                    f"{config.bandwidth:g} in {d}-D: got {config.horizon:g}, {remedy}."
                )


def _modes(config: SpectralConfig, d: int) -> np.ndarray:
    """Frequencies 1 … K in 1-D; in 2-D about seven, of growing length, in different directions."""
    if d == 1:
        return np.arange(1, config.modes + 1)[:, None]
    lengths = np.geomspace(1, config.modes_2d, 7)
    angles = np.pi / 4 * (np.arange(7) * (math.sqrt(5) - 1) / 2 % 1)
    vectors = np.floor(np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1) + 1e-9).astype(int)
    vectors[:, 0] = np.maximum(vectors[:, 0], 1)
    return np.unique(vectors, axis=0)


def _predict(s: Study, config: SpectralConfig, kernels: dict[str, Spectral]) -> list[Prediction]:
    """The exact rate and the paper's formula wherever the kernel has a transform."""
    frequencies = np.geomspace(0.1, 30, 200) / config.bandwidth
    found = []
    for d in config.dimensions:
        for name, kernel in kernels.items():
            if isinstance(kernel, RationalQuadratic) and kernel.alpha <= d / 2:
                continue
            exact, paper = kernel.rate(frequencies, d), rates.paper_rate(kernel, frequencies, d)
            found.append(Prediction(name, d, frequencies, exact, paper))
    nothing = frequencies[:0]
    columns: dict[str, list | np.ndarray] = {
        "kernel": [each.name for each in found for _ in frequencies],
        "d": [each.d for each in found for _ in frequencies],
        "frequency": np.concatenate([nothing, *(each.frequencies for each in found)]),
        "rate_exact": np.concatenate([nothing, *(each.exact for each in found)]),
        "rate_paper": np.concatenate([nothing, *(each.paper for each in found)]),
    }
    s.curves("predicted_rates", columns)
    return found


def _measure(config: SpectralConfig, name: str, kernel: Spectral, modes: np.ndarray, horizon: float) -> Measurement:
    d = modes.shape[1]
    torus = Torus(config.grid if d == 1 else config.grid_2d, d)
    frequencies = np.linalg.norm(modes, axis=1)
    uniform = np.full((torus.n,) * d, 1 / PERIOD**d)
    velocity = torus_flow.drift(torus_flow.periodic(kernel, torus), uniform)
    found = torus_flow.follow(torus, velocity, modes, config.amplitude, horizon, config.steps)
    measured, errors = rates.decay(found.times, found.amplitudes)
    exact = kernel.rate(frequencies, d)
    paper = rates.paper_rate(kernel, frequencies, d)
    return Measurement(name, kernel, d, frequencies, exact, paper, measured, errors, exact * horizon >= _RESOLVED)


def _report_rates(s: Study, measurements: list[Measurement]) -> None:
    for each in measurements:
        s.summary[f"rate_error_{each.name}_{each.d}d"] = each.exact_error
        s.summary[f"rate_error_paper_{each.name}_{each.d}d"] = each.paper_error
        s.summary[f"resolved_modes_{each.name}_{each.d}d"] = int(each.resolved.sum())
        columns = {
            "frequency": each.frequencies,
            "rate_exact": each.exact,
            "rate_paper": each.paper,
            "rate_measured": each.measured,
            "standard_error": each.errors,
            "resolved": each.resolved,
        }
        s.curves(f"rates_{each.name}_{each.d}d", columns)


def _report_growth(s: Study, config: SpectralConfig, measurements: list[Measurement]) -> None:
    """How T_k = ln(1/ε)/λ_k grows with k, from the measured rates: fitted, with its interval."""
    for each in measurements:
        if each.name == "gaussian":
            k, measured = each.frequencies[each.resolved], each.measured[each.resolved]
            if len(k) >= 3:  # ln(T_k σ²k²) is a straight line in k² where the time is exponential
                sigma = config.bandwidth
                found = fit(k**2, np.log((sigma * k) ** 2 / measured))
                over = 2 / sigma**2
                key = f"log_time_slope_ratio_gaussian_{each.d}d"
                s.interval(key, found.slope * over, found.low * over, found.high * over)
    for d, highest in ((1, config.modes), (2, config.modes_2d)):
        lowest = math.ceil(5 / config.far_bandwidth)  # from there on a power, to within a tenth of the exponent
        modes = np.arange(lowest, highest + 1)[:, None] * np.eye(1, d, dtype=int)
        if len(modes) < 3:
            continue
        far = _measure(config, "laplace", Laplace(config.far_bandwidth), modes, 10 * config.horizon)
        high = far.resolved
        if high.sum() >= 3:
            found = fit(np.log(far.frequencies[high]), -np.log(far.measured[high]))
            s.interval(f"exponent_laplace_{d}d", found.slope, found.low, found.high)


def _particles(s: Study, config: SpectralConfig) -> list[Particles]:
    """From quantiles, one mode at a time: the operator's own error; from random starts: with sampling noise."""
    kernels: dict[str, Spectral] = {"gaussian": Gaussian(config.bandwidth), "laplace": Laplace(config.bandwidth)}
    modes = np.arange(1, min(config.modes, 20) + 1)
    found = []
    for name, kernel in kernels.items():
        exact = kernel.rate(modes, 1)
        errors = []
        for k in modes[exact * config.horizon >= 0.01][::3]:
            start = particle_rates.quantiles(config.particles, int(k), _PARTICLE_AMPLITUDE)
            path = particle_rates.flow(kernel, start, np.array([k]), config.horizon, 20)
            decayed, _ = rates.decay(np.linspace(0, config.horizon, 21), path)
            errors.append(abs(float(decayed[0]) / float(kernel.rate(np.array([k]), 1)[0]) - 1))
        s.summary[f"particle_rate_error_{name}"] = max(errors, default=math.inf)
        measured = particle_rates.from_random_starts(
            kernel, config.particles, config.starts, modes, config.horizon / 2, 10, config.seed
        )
        width = measured.errors * particle_rates.half_width(config.starts)
        inside = np.abs(measured.rates - exact) <= width
        s.summary[f"particle_coverage_{name}"] = float(inside.mean())
        columns = {"mode": modes, "rate_exact": exact, "rate_measured": measured.rates, "half_width_95": width}
        s.curves(f"particles_{name}", columns)
        found.append(Particles(name, modes, exact, measured.rates, width))
    s.summary["particle_rate_error"] = max(s.summary[f"particle_rate_error_{name}"] for name in kernels)
    return found


def _figure2(s: Study, config: SpectralConfig) -> Figure2:
    d, sigma_min = config.dimension, config.final_bandwidth
    modes = np.arange(1, config.modes + 1).astype(float)
    gaussian, laplace = Gaussian(config.bandwidth), Laplace(config.bandwidth)
    annealed = ct.Annealed(Gaussian(1.0), d, config.sigma0, sigma_min, config.anneal_rate)
    drifts: dict[str, tuple[ct.Course, Callable[[float], Kernel] | None]] = {
        "gaussian": (ct.Fixed(gaussian, d), lambda t: gaussian),
        "laplace_paper": (ct.Fixed(laplace, d, paper=True), None),
        "laplace": (ct.Fixed(laplace, d), lambda t: laplace),
        "annealed": (annealed, _at_bandwidth(annealed)),
        "annealed_laplace": (ct.Annealed(Laplace(1.0), d, config.sigma0, sigma_min, config.anneal_rate), None),
    }
    for shape in ("linear", "cosine"):
        swept = ct.Swept(Gaussian(1.0), d, config.sigma0, sigma_min, annealed.sweep, shape == "cosine")
        drifts[shape] = (swept, _at_bandwidth(swept))
    t = np.linspace(0, config.follow, 201)
    steps = min(math.ceil(config.follow / _STEP), 2000)
    courses = []
    for name, (course, kernel_at) in drifts.items():
        times = ct.times(course, modes, config.epsilon)
        crossings = times if isinstance(course, ct.Swept) else ct.crossings(course, modes, config.epsilon)
        left = ct.remaining(course.accumulated, modes, t)
        followed = None if kernel_at is None else _followed(config, kernel_at, modes, steps)
        courses.append(Course(name, times, crossings, left, followed))
    followed_t = np.linspace(0, config.follow, steps + 1)
    figure2 = Figure2(modes, t, followed_t, courses)
    _report_figure2(s, config, figure2, drifts)
    return figure2


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


def _report_figure2(s: Study, config: SpectralConfig, figure2: Figure2, drifts: dict) -> None:
    annealed = drifts["annealed"][0]
    modes, by_name = figure2.modes, {course.name: course for course in figure2.courses}
    s.summary["crossing_error"] = max(
        float(np.abs(course.crossings / course.times - 1)[finite].max(initial=0))
        for course in figure2.courses
        if course.name not in _WITHOUT_CLOSED_FORM
        for finite in [np.isfinite(course.times) & (course.times < _NEVER)]
    )
    differences, end = [], np.array([annealed.sweep])
    for course in figure2.courses:
        s.summary[f"slowest_time_{course.name}"] = float(course.times.max())
        s.summary[f"slowest_mode_{course.name}"] = float(modes[int(np.argmax(course.times))])
        if course.followed is not None:
            left = ct.remaining(drifts[course.name][0].accumulated, modes, figure2.followed_t)
            seen = left >= config.epsilon
            differences.append(float(np.abs(course.followed / left - 1)[seen].max()))
    s.summary["followed_error"] = max(differences)
    totals = {
        name: float(ct.total_error(ct.remaining(drifts[name][0].accumulated, modes, end))[0])
        for name in ("annealed", "linear", "cosine")
    }
    if (best := min(totals["linear"], totals["cosine"])) > 0:
        s.summary["exponential_over_other_sweeps"] = totals["annealed"] / best
    fastest_fixed = min(s.summary["slowest_time_gaussian"], s.summary["slowest_time_laplace"])
    s.summary["annealed_over_fixed"] = s.summary["slowest_time_annealed"] / fastest_fixed
    s.summary["anneal_rate_times_decay"] = config.anneal_rate * math.log(1 / config.epsilon)
    columns = {"mode": modes}
    for name, course in by_name.items():
        columns |= {f"{name}_closed_form": course.times, f"{name}_by_integration": course.crossings}
    s.curves("convergence_times", columns)
    for course in figure2.courses:
        per_mode = {f"mode_{int(k)}": course.left[:, i] for i, k in enumerate(modes)}
        s.curves(f"errors_{course.name}", {"time": figure2.t, "total": ct.total_error(course.left)} | per_mode)
        if course.followed is not None:
            per_mode = {f"mode_{int(k)}": course.followed[:, i] for i, k in enumerate(modes)}
            total = {"time": figure2.followed_t, "total": ct.total_error(course.followed)}
            s.curves(f"errors_{course.name}_nonlinear", total | per_mode)


def _beyond(s: Study, config: SpectralConfig) -> Beyond:
    orders = np.arange(1, 17)
    exact = inhomogeneous.gaussian_target_rates(len(orders), config.target_ratio, 1.0)
    matrix = inhomogeneous.gaussian_target_matrix(Gaussian(1.0), len(orders), config.target_ratio)
    values = np.linalg.eigvals(matrix)
    measured = np.sort(values.real)[np.argsort(np.argsort(exact))]  # paired by size
    homogeneous = inhomogeneous.homogeneous_estimate(len(orders), config.target_ratio, 1.0)
    s.summary["gaussian_target_eigenvalue_error"] = float(np.abs(measured - exact).max())
    s.summary["gaussian_target_eigenvalue_imag"] = float(np.abs(values.imag).max())
    s.summary["local_homogeneity_ratio"] = float(homogeneous[-1] / exact[-1])
    columns = {"order": orders, "exact": exact, "measured": measured, "homogeneous_estimate": homogeneous}
    s.curves("gaussian_target", columns)

    spectrum, smoothed = _tilted(s, config)
    sinkhorn, kl, modes = _other_drifts(s, config)
    steps, growth, limits = _stability(s, config)
    return Beyond(orders, exact, measured, homogeneous, spectrum, smoothed, modes, sinkhorn, kl, steps, growth, limits)


def _tilted(s: Study, config: SpectralConfig) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues around p ∝ 1 + a cos x, and the most oscillating one found again in the nonlinear equation."""
    torus = Torus(max(256, 2 * math.ceil(6 / config.bandwidth)), 1)
    kernel = torus_flow.periodic(Gaussian(config.bandwidth), torus)
    p, count = inhomogeneous.tilted(torus, config.tilt), 40

    def spectrum(density: np.ndarray, smoothed: bool = False) -> np.ndarray:
        return inhomogeneous.on_modes(torus, inhomogeneous.torus_matrix(kernel, density, smoothed), count)

    plain, smoothed = spectrum(p), np.linalg.eigvals(spectrum(p, smoothed=True))
    uniform = np.linalg.eigvals(spectrum(np.full_like(p, 1 / PERIOD)))
    pair = inhomogeneous.most_oscillating(plain)
    found = inhomogeneous.oscillation(kernel, p, pair, config.amplitude, 16.0, 320)
    logs = np.log(np.abs(found.coordinate)) + 1j * np.unwrap(np.angle(found.coordinate))
    measured = -complex(fit(found.times, logs.real).slope, fit(found.times, logs.imag).slope)
    s.summary["complex_eigenvalue_real"] = pair.value.real
    s.summary["complex_eigenvalue_imag"] = pair.value.imag
    s.summary["complex_eigenvalue_measured_error"] = abs(measured - pair.value) / abs(pair.value)
    s.summary["complex_eigenvalue_imag_uniform"] = float(np.abs(uniform.imag).max())
    s.summary["complex_eigenvalue_imag_smoothed"] = float(np.abs(smoothed.imag).max())
    values = np.linalg.eigvals(plain)
    s.curves(
        "tilted_spectrum", {"real": values.real, "imag": values.imag, "real_of_smoothed_kl": np.sort(smoothed.real)}
    )
    s.curves("tilted_oscillation", {"time": found.times, "real": logs.real, "phase": logs.imag})
    return values, smoothed


def _other_drifts(
    s: Study, config: SpectralConfig
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Sinkhorn and smoothed KL: the multiplier and what one evaluation of the field on the torus gives."""
    torus = Torus(max(256, 4 * config.modes, 2 * math.ceil(6 / config.bandwidth)), 1)
    modes, uniform = np.arange(1, config.modes + 1)[:, None], np.full(torus.n, 1 / PERIOD)
    q = torus_flow.perturbed(torus, modes, config.amplitude)
    waves = torus.waves(modes)
    start = torus.amplitude(q - uniform, waves)
    gibbs = torus_flow.periodic(Gaussian(math.sqrt(config.regularisation)), torus)
    blur = torus_flow.periodic(Gaussian(config.bandwidth), torus)
    predicted = {
        "sinkhorn": rates.sinkhorn_rate(modes[:, 0], config.regularisation),
        "smoothed_kl": rates.smoothed_kl_rate(modes[:, 0], config.bandwidth),
    }
    fields = {
        "sinkhorn": torus_sinkhorn.drift(gibbs, uniform),
        "smoothed_kl": torus_flow.smoothed_drift(blur, uniform),
    }
    pairs = {}
    for name, field in fields.items():
        measured = -(torus.amplitude(torus_flow.change(torus, field, q), waves) / start).real
        resolved = predicted[name] >= _RESOLVED
        error = np.abs(measured / np.where(resolved, predicted[name], 1) - 1)[resolved]
        if resolved.any():
            s.summary[f"multiplier_error_{name}"] = float(error.max())
        pairs[name] = (predicted[name], measured)
        s.curves(f"multiplier_{name}", {"mode": modes[:, 0], "predicted": predicted[name], "measured": measured})
    return pairs["sinkhorn"], pairs["smoothed_kl"], modes[:, 0]


def _stability(
    s: Study, config: SpectralConfig
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, float]]:
    """The step η at which x ← x + ηV stops shrinking the fastest mode, on particles, against 2/max λ in 1-D."""
    kernels: dict[str, Spectral] = {
        "gaussian": Gaussian(math.sqrt(2) / _STABILITY_MODE),
        "laplace": Laplace(1 / _STABILITY_MODE),
    }
    steps, growth, limits = {}, {}, {}
    for name, kernel in kernels.items():
        limit = rates.largest_step(rates.fastest(lambda k, kernel=kernel: kernel.rate(k, 1), kernel.bandwidth))
        steps[name] = limit * np.linspace(0.9, 1.1, 9)
        growth[name] = np.array(
            [particle_rates.growth(kernel, config.particles, _STABILITY_MODE, 1e-3, eta, 12) for eta in steps[name]]
        )
        found = particle_rates.measured_limit(steps[name], growth[name])
        limits[name] = limit
        s.summary[f"largest_step_{name}"] = found
        s.summary[f"largest_step_error_{name}"] = abs(found / limit - 1)
        s.curves(f"stability_{name}", {"step": steps[name], "growth_measured": growth[name], "limit": [limit] * 9})
    s.summary["largest_step_error"] = max(s.summary[f"largest_step_error_{name}"] for name in kernels)
    return steps, growth, limits
