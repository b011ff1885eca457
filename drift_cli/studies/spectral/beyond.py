"""Beyond Theorem 5.2: other targets, other drifts, finite steps (ours)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from drift_cli.kernels import Gaussian, Laplace, Spectral
from drift_cli.studies.numbers import Measured, Table, after
from drift_cli.studies.spectral.rates import RESOLVED
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.theory import inhomogeneous, particle_rates, rates, torus_flow, torus_sinkhorn
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import PERIOD, Torus

_ORDERS = 16  # Hermite modes of the Gaussian target
_COUNT = 40  # modes ±1 … ±40 that span the perturbations of the tilted target
_OSCILLATION, _OSCILLATION_STEPS = 16.0, 320  # time over which its eigenvector is followed
_STABILITY_MODE = 4  # the bandwidth is chosen so that this mode is the fastest
_STABILITY_STEPS = np.linspace(0.9, 1.1, 9)  # in parts of the largest that theory allows


@dataclass(frozen=True)
class GaussianTarget(Measured):
    """Rates at the orders 1, 2, … of Hermite modes: closed form, measured, and by the theory of a uniform target.

    The eigenvalues' largest difference to the closed form and imaginary part; uniform theory over it at the last order.
    """

    gaussian_target_eigenvalue_error: float
    gaussian_target_eigenvalue_imag: float
    local_homogeneity_ratio: float
    orders: np.ndarray
    exact: np.ndarray
    measured: np.ndarray
    homogeneous: np.ndarray

    def tables(self) -> dict[str, Table]:
        columns = {"order": self.orders, "exact": self.exact, "measured": self.measured}
        return {"gaussian_target": columns | {"homogeneous_estimate": self.homogeneous}}


@dataclass(frozen=True)
class TiltedTarget(Measured):
    """Eigenvalues around p ∝ 1 + a cos x, complex: of the drift and of the smoothed KL's gradient flow.

    The numbers are the most oscillating one, its relative difference to `oscillation`, the logarithm of its coordinate
    in the nonlinear equation over time, and the largest imaginary parts of the controls.
    """

    complex_eigenvalue_real: float
    complex_eigenvalue_imag: float
    complex_eigenvalue_measured_error: float
    complex_eigenvalue_imag_uniform: float
    complex_eigenvalue_imag_smoothed: float
    drift: np.ndarray
    smoothed_kl: np.ndarray
    oscillation: Table

    def tables(self) -> dict[str, Table]:
        real_of_smoothed = np.sort(self.smoothed_kl.real)
        spectrum = {"real": self.drift.real, "imag": self.drift.imag, "real_of_smoothed_kl": real_of_smoothed}
        return {"tilted_spectrum": spectrum, "tilted_oscillation": self.oscillation}


@dataclass(frozen=True)
class Multiplier(Measured):
    """Rates of one drift at the modes, by its formula and by one evaluation of its field.

    The error is the largest relative difference over the modes whose rate is resolved; None where none is.
    """

    multiplier_error: float | None
    modes: np.ndarray
    predicted: np.ndarray
    measured: np.ndarray


@dataclass(frozen=True)
class Stability(Measured):
    """The factor by which the fastest mode grows per step of each length, and the step at which that is 1."""

    largest_step: float
    largest_step_error: float  # relative to `limit`
    kernel: Spectral
    steps: np.ndarray
    growth: np.ndarray

    @property
    def limit(self) -> float:
        return _limit(self.kernel)


@dataclass(frozen=True)
class Beyond(Measured):
    """All of it; the multipliers by drift, the stability by kernel."""

    gaussian: GaussianTarget
    tilted: TiltedTarget
    multipliers: dict[str, Multiplier] = field(metadata=after("_"))
    stability: dict[str, Stability] = field(metadata=after("_"))
    largest_step_error: float

    def tables(self) -> dict[str, Table]:
        found: dict[str, Table] = {}
        for name, drift in self.multipliers.items():
            found[f"multiplier_{name}"] = {
                "mode": drift.modes,
                "predicted": drift.predicted,
                "measured": drift.measured,
            }
        for name, each in self.stability.items():
            limit = np.full(len(each.steps), each.limit)
            found[f"stability_{name}"] = {"step": each.steps, "growth_measured": each.growth, "limit": limit}
        return found


def beyond(config: SpectralConfig) -> Beyond:
    """Non-uniform targets, the Sinkhorn and the smoothed-KL drift, and the largest explicit step."""
    stability = largest_steps(config)
    error = max(each.largest_step_error for each in stability.values())
    return Beyond(gaussian_target(config), tilted_target(config), other_drifts(config), stability, error)


def gaussian_target(config: SpectralConfig) -> GaussianTarget:
    r"""$n(1 - \beta)\beta^{n-1}$ around $N(0, s^2)$ (ours), against eigenvalues of the operator by quadrature.

    Beside them what local homogeneity would give, the rate of a uniform target at $k^2 = n/s^2$ (Remark 6.1).
    """
    orders = np.arange(1, _ORDERS + 1)
    exact = inhomogeneous.gaussian_target_rates(_ORDERS, config.target_ratio, 1.0)
    values = np.linalg.eigvals(inhomogeneous.gaussian_target_matrix(Gaussian(1.0), _ORDERS, config.target_ratio))
    measured = np.sort(values.real)[np.argsort(np.argsort(exact))]  # paired by size
    homogeneous = inhomogeneous.homogeneous_estimate(_ORDERS, config.target_ratio, 1.0)
    return GaussianTarget(
        float(np.abs(measured - exact).max()), float(np.abs(values.imag).max()), float(homogeneous[-1] / exact[-1]),
        orders, exact, measured, homogeneous,
    )  # fmt: skip


def tilted_target(config: SpectralConfig) -> TiltedTarget:
    r"""Eigenvalues around $p \propto 1 + a\cos x$, and the most oscillating one recovered in the nonlinear equation.

    A gradient flow has real ones in any metric (App. C.6; the inference and the eigenvalues are ours).
    """
    torus = Torus(max(256, 2 * math.ceil(6 / config.bandwidth)), 1)
    kernel = torus_flow.periodic(Gaussian(config.bandwidth), torus)
    p = inhomogeneous.tilted(torus, config.tilt)

    def on_modes(density: np.ndarray, smoothed: bool = False) -> np.ndarray:
        return inhomogeneous.on_modes(torus, inhomogeneous.torus_matrix(kernel, density, smoothed), _COUNT)

    plain, smoothed = on_modes(p), np.linalg.eigvals(on_modes(p, smoothed=True))
    uniform = np.linalg.eigvals(on_modes(np.full_like(p, 1 / PERIOD)))
    pair = inhomogeneous.most_oscillating(plain)
    found = inhomogeneous.oscillation(kernel, p, pair, config.amplitude, _OSCILLATION, _OSCILLATION_STEPS)
    logs = np.log(np.abs(found.coordinate)) + 1j * np.unwrap(np.angle(found.coordinate))
    measured = -complex(fit(found.times, logs.real).slope, fit(found.times, logs.imag).slope)
    return TiltedTarget(
        pair.value.real,
        pair.value.imag,
        complex_eigenvalue_measured_error=abs(measured - pair.value) / abs(pair.value),
        complex_eigenvalue_imag_uniform=float(np.abs(uniform.imag).max()),
        complex_eigenvalue_imag_smoothed=float(np.abs(smoothed.imag).max()),
        drift=np.linalg.eigvals(plain),
        smoothed_kl=smoothed,
        oscillation={"time": found.times, "real": logs.real, "phase": logs.imag},
    )


def other_drifts(config: SpectralConfig) -> dict[str, Multiplier]:
    r"""Sinkhorn and smoothed KL near a uniform density: the rate, and what one evaluation of the field gives (ours).

    $\frac{\varepsilon k^2/2}{\sinh(\varepsilon k^2/2)}$ and $\sigma^2k^2e^{-\sigma^2k^2}$, against
    $-\widehat{\partial_tq}_k/\hat q_k$.
    """
    torus = Torus(max(256, 4 * config.modes, 2 * math.ceil(6 / config.bandwidth)), 1)
    modes, uniform = np.arange(1, config.modes + 1)[:, None], np.full(torus.n, 1 / PERIOD)
    q = torus_flow.perturbed(torus, modes, config.amplitude)
    waves = torus.waves(modes)
    start = torus.amplitude(q - uniform, waves)
    gibbs = torus_flow.periodic(Gaussian(math.sqrt(config.regularisation)), torus)
    blur = torus_flow.periodic(Gaussian(config.bandwidth), torus)
    drifts = {
        "sinkhorn": (rates.sinkhorn_rate(modes[:, 0], config.regularisation), torus_sinkhorn.drift(gibbs, uniform)),
        "smoothed_kl": (
            rates.smoothed_kl_rate(modes[:, 0], config.bandwidth),
            torus_flow.smoothed_drift(blur, uniform),
        ),
    }
    found = {}
    for name, (predicted, velocity) in drifts.items():
        measured = -(torus.amplitude(torus_flow.change(torus, velocity, q), waves) / start).real
        resolved = predicted >= RESOLVED
        error = np.abs(measured / np.where(resolved, predicted, 1) - 1)[resolved]
        worst = float(error.max()) if resolved.any() else None
        found[name] = Multiplier(worst, modes[:, 0], predicted, measured)
    return found


def largest_steps(config: SpectralConfig) -> dict[str, Stability]:
    r"""The η at which $x \leftarrow x + \eta V$ no longer shrinks the fastest mode, against $2/\max\lambda$ (ours)."""
    kernels: dict[str, Spectral] = {
        "gaussian": Gaussian(math.sqrt(2) / _STABILITY_MODE),
        "laplace": Laplace(1 / _STABILITY_MODE),
    }
    found = {}
    for name, kernel in kernels.items():
        limit = _limit(kernel)
        steps = limit * _STABILITY_STEPS
        growth = np.array(
            [particle_rates.growth(kernel, config.particles, _STABILITY_MODE, 1e-3, eta, 12) for eta in steps]
        )
        measured = particle_rates.measured_limit(steps, growth)
        found[name] = Stability(measured, abs(measured / limit - 1), kernel, steps, growth)
    return found


def _limit(kernel: Spectral) -> float:
    """2 / max λ."""
    return rates.largest_step(rates.fastest(lambda frequency: kernel.rate(frequency, 1), kernel.bandwidth))
