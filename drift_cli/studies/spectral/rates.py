r"""Of `drift spectral`: how fast each mode of a small perturbation of a uniform density decays (Theorem 5.2, §5.2).

The exact rate $\lambda(\xi) = -dh/d\log|\xi|$ (ours) and the paper's $\sigma^2|\xi|^2h(\xi)$ (as reconstructed) are
predicted, and compared with the full nonlinear equation on the torus and with particles on the circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Gaussian, Laplace, RationalQuadratic, Spectral
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.studies.study import Study
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
class Particles:
    """Rates of one kernel from particles at random starts, beside the exact ones. `half_width`: of a 95 % interval."""

    name: str
    modes: np.ndarray
    exact: np.ndarray
    measured: np.ndarray
    half_width: np.ndarray


def predict(s: Study, config: SpectralConfig, kernels: dict[str, Spectral]) -> list[Prediction]:
    r"""$-dh/d\log|\xi|$ and $\sigma^2|\xi|^2h(\xi)$ over the frequency, wherever the kernel has a transform."""
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


def report(s: Study, measurements: list[Measurement]) -> None:
    """Each measurement's largest differences to both formulas, to the paper's at its best factor, and its curves."""
    for each in measurements:
        s.summary[f"rate_error_{each.name}_{each.d}d"] = each.exact_error
        s.summary[f"rate_error_paper_{each.name}_{each.d}d"] = each.paper_error
        constant, left = rates.best_constant(each.measured[each.resolved], each.paper[each.resolved])
        s.summary[f"rate_error_paper_best_constant_{each.name}_{each.d}d"] = left
        s.summary[f"rate_paper_best_constant_{each.name}_{each.d}d"] = constant
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
        if (each.name, each.d) == ("gaussian", 1):
            _fastest(s, each)


def _fastest(s: Study, each: Measurement) -> None:
    """(σk)² where the measured rate is largest, by the parabola of its logarithm through three neighbouring modes."""
    top = int(np.argmax(each.measured))
    if 0 < top < len(each.measured) - 1:
        around = slice(top - 1, top + 2)
        a, b, _ = np.polyfit(np.log(each.frequencies[around]), np.log(each.measured[around]), 2)
        s.summary["reported.spectral.fastest_sigma_k_squared"] = (each.kernel.bandwidth * math.exp(-b / (2 * a))) ** 2


def particles(s: Study, config: SpectralConfig) -> list[Particles]:
    """From quantiles, one mode at a time: the operator's own error; from random starts: with sampling noise (§5.2)."""
    kernels: dict[str, Spectral] = {"gaussian": Gaussian(config.bandwidth), "laplace": Laplace(config.bandwidth)}
    modes = np.arange(1, min(config.modes, _HIGHEST) + 1)
    found = []
    for name, kernel in kernels.items():
        exact = kernel.rate(modes, 1)
        s.summary[f"particle_rate_error_{name}"] = _error_from_quantiles(config, kernel, modes)
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


def _error_from_quantiles(config: SpectralConfig, kernel: Spectral, modes: np.ndarray) -> float:
    """The largest relative difference to the exact rate over every third mode that decays; infinite where none does."""
    errors = []
    for k in modes[kernel.rate(modes, 1) * config.horizon >= _LOST][::3]:
        start = particle_rates.quantiles(config.particles, int(k), _AMPLITUDE)
        path = particle_rates.flow(kernel, start, np.array([k]), config.horizon, 20)
        decayed, _ = rates.decay(np.linspace(0, config.horizon, 21), path)
        errors.append(abs(float(decayed[0]) / float(kernel.rate(np.array([k]), 1)[0]) - 1))
    return max(errors, default=math.inf)
