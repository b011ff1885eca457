r"""How fast each mode of a small perturbation of a uniform density decays (Theorem 5.2, §5.2).

The exact rate $\lambda(\xi) = -dh/d\log|\xi|$ (ours) and the paper's $\sigma^2|\xi|^2h(\xi)$ (as reconstructed) are
predicted, and compared with the full nonlinear equation on the torus and with particles on the circle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drift_cli.kernels import Gaussian, Laplace, RationalQuadratic, Spectral
from drift_cli.studies.numbers import Measured, Table, after, columns
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.theory import particle_rates, rates, torus_flow
from drift_cli.theory.torus_flow import PERIOD, Torus

RESOLVED = 1e-3  # a rate is measured where the mode loses at least this part over the horizon
_LOST = 0.01  # the same for particles that start at quantiles
_AMPLITUDE = 1e-2  # of the mode that these start with
_HIGHEST = 20  # mode that is measured on particles


@dataclass(frozen=True)
class Prediction:
    """Both formulas for one kernel in one dimension."""

    name: str
    d: int
    frequencies: np.ndarray
    exact: np.ndarray
    paper: np.ndarray


@dataclass(frozen=True)
class Predictions(Measured):
    """Of every kernel in every dimension where it has a transform."""

    rates: list[Prediction]

    def tables(self) -> dict[str, Table]:
        rows = [
            (each.name, each.d, *row)
            for each in self.rates
            for row in zip(each.frequencies, each.exact, each.paper, strict=True)
        ]
        return {"predicted_rates": columns(("kernel", "d", "frequency", "rate_exact", "rate_paper"), rows)}


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


@dataclass(frozen=True)
class Comparison(Measured):
    """Largest relative differences of a measurement to both formulas, over the resolved modes.

    The paper's formula is compared as it stands, and times the constant that brings it nearest.
    """

    measurement: Measurement
    rate_error: float
    rate_error_paper: float
    rate_error_paper_best_constant: float
    rate_paper_best_constant: float
    resolved_modes: int

    def tables(self) -> dict[str, Table]:
        found = self.measurement
        return {f"rates_{found.name}_{found.d}d": {
            "frequency": found.frequencies,
            "rate_exact": found.exact,
            "rate_paper": found.paper,
            "rate_measured": found.measured,
            "standard_error": found.errors,
            "resolved": found.resolved,
        }}  # fmt: skip


@dataclass(frozen=True)
class Comparisons(Measured):
    """By kernel and dimension: `rate_error_gaussian_1d`."""

    comparisons: dict[str, Comparison] = field(metadata=after("_"))


@dataclass(frozen=True)
class Particles(Measured):
    """Rates of one kernel from particles at random starts, compared with the exact ones. `half_width`: of a 95 %
    interval.

    The error is that of starts at quantiles, without sampling noise; the coverage, the part of the intervals from
    random starts that hold the exact rate.
    """

    particle_rate_error: float
    particle_coverage: float
    modes: np.ndarray
    exact: np.ndarray
    measured: np.ndarray
    half_width: np.ndarray


@dataclass(frozen=True)
class ParticleRates(Measured):
    """By kernel, and the largest error."""

    by_kernel: dict[str, Particles] = field(metadata=after("_"))
    particle_rate_error: float

    def tables(self) -> dict[str, Table]:
        return {
            f"particles_{name}": {
                "mode": each.modes,
                "rate_exact": each.exact,
                "rate_measured": each.measured,
                "half_width_95": each.half_width,
            }
            for name, each in self.by_kernel.items()
        }


def predict(config: SpectralConfig, kernels: dict[str, Spectral]) -> Predictions:
    r"""$-dh/d\log|\xi|$ and $\sigma^2|\xi|^2h(\xi)$ over the frequency, wherever the kernel has a transform."""
    frequencies = np.geomspace(0.1, 30, 200) / config.bandwidth
    found = []
    for d in config.dimensions:
        for name, kernel in kernels.items():
            if isinstance(kernel, RationalQuadratic) and kernel.alpha <= d / 2:
                continue
            exact, paper = kernel.rate(frequencies, d), rates.paper_rate(kernel, frequencies, d)
            found.append(Prediction(name, d, frequencies, exact, paper))
    return Predictions(found)


def wave_vectors(config: SpectralConfig, d: int) -> np.ndarray:
    """Frequencies 1 … K in 1-D; in 2-D about seven, of growing length, in different directions. [m, d]."""
    if d == 1:
        return np.arange(1, config.modes + 1)[:, None]
    lengths = np.geomspace(1, config.modes_2d, 7)
    angles = np.pi / 4 * (np.arange(7) * (math.sqrt(5) - 1) / 2 % 1)
    vectors = np.floor(np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1) + 1e-9).astype(int)
    vectors[:, 0] = np.maximum(vectors[:, 0], 1)
    return np.unique(vectors, axis=0)


def measure(config: SpectralConfig, name: str, kernel: Spectral, modes: np.ndarray, horizon: float) -> Measurement:
    r"""Rates of `modes` [m, d], each alone, in $\partial_tq = -\nabla\cdot(q\,V_{p,q})$ on the torus (eqs. 4, 8)."""
    d = modes.shape[1]
    torus = Torus(config.grid if d == 1 else config.grid_2d, d)
    frequencies = np.linalg.norm(modes, axis=1)
    uniform = np.full((torus.n,) * d, 1 / PERIOD**d)
    velocity = torus_flow.drift(torus_flow.periodic(kernel, torus), uniform)
    found = torus_flow.follow(torus, velocity, modes, config.amplitude, horizon, config.steps)
    measured, errors = rates.decay(found.times, found.amplitudes)
    exact = kernel.rate(frequencies, d)
    paper = rates.paper_rate(kernel, frequencies, d)
    return Measurement(name, kernel, d, frequencies, exact, paper, measured, errors, exact * horizon >= RESOLVED)


def compare(measured: Sequence[Measurement]) -> Comparisons:
    """Measurements with at least one resolved mode each, compared with both formulas."""
    return Comparisons({f"{each.name}_{each.d}d": _compared(each) for each in measured})


def _compared(found: Measurement) -> Comparison:
    measured, exact, paper = (each[found.resolved] for each in (found.measured, found.exact, found.paper))
    constant, left = rates.best_constant(measured, paper)
    return Comparison(
        found,
        rate_error=float(np.abs(measured / exact - 1).max()),
        rate_error_paper=float(np.abs(measured / paper - 1).max()),
        rate_error_paper_best_constant=left,
        rate_paper_best_constant=constant,
        resolved_modes=int(found.resolved.sum()),
    )


def particles(config: SpectralConfig) -> ParticleRates:
    """From quantiles, one mode at a time: the operator's own error; from random starts: with sampling noise (§5.2)."""
    kernels: dict[str, Spectral] = {"gaussian": Gaussian(config.bandwidth), "laplace": Laplace(config.bandwidth)}
    found = {name: _particles(config, kernel) for name, kernel in kernels.items()}
    return ParticleRates(found, max(each.particle_rate_error for each in found.values()))


def _particles(config: SpectralConfig, kernel: Spectral) -> Particles:
    modes = np.arange(1, min(config.modes, _HIGHEST) + 1)
    exact = kernel.rate(modes, 1)
    measured = particle_rates.from_random_starts(
        kernel, config.particles, config.starts, modes, config.horizon / 2, 10, config.seed
    )
    width = measured.errors * particle_rates.half_width(config.starts)
    inside = np.abs(measured.rates - exact) <= width
    error = _error_from_quantiles(config, kernel, modes)
    return Particles(error, float(inside.mean()), modes, exact, measured.rates, width)


def _error_from_quantiles(config: SpectralConfig, kernel: Spectral, modes: np.ndarray) -> float:
    """The largest relative difference to the exact rate over every third mode that decays; infinite where none does."""
    errors = []
    for k in modes[kernel.rate(modes, 1) * config.horizon >= _LOST][::3]:
        start = particle_rates.quantiles(config.particles, int(k), _AMPLITUDE)
        path = particle_rates.flow(kernel, start, np.array([k]), config.horizon, 20)
        decayed, _ = rates.decay(np.linspace(0, config.horizon, 21), path)
        errors.append(abs(float(decayed[0]) / float(kernel.rate(np.array([k]), 1)[0]) - 1))
    return max(errors, default=math.inf)
