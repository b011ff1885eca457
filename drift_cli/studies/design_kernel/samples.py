r"""What samples take away: noise and bias of the empirical drift by frequency, and the best kernel for a batch of N."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from drift_cli.kernels import Spectral
from drift_cli.studies.design_kernel.contenders import TITLES, Contender, contenders, stretched
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import torus_flow
from drift_cli.theory.annealing import rate_of
from drift_cli.theory.empirical_rates import after, best_design, best_step, effective_samples, noise
from drift_cli.theory.torus_flow import Torus

_GRID, _BAND = 64, 6  # of the plane on which noise is measured, and K there
_TILT = 0.2  # amplitude of the mode whose response is measured
_BEYOND = 3  # frequencies up to so many times K are charged for noise
_ENERGY = 0.01  # of the mode 1 at the start; it falls as k^(-spectrum) up to K
_NARROWER, _WIDER, _SCALES = 0.5, 30.0, 16  # bandwidths that are tried for kernels of one length, times their tuned one
_WIDTHS = 40
_CIRCLE, _PARTICLES, _HARMONICS, _STEPS = 10, 1024, 64, 60  # of the steps that are really made
MEASURED = ("gaussian", "laplace", "optimal")


@dataclass(frozen=True)
class Noise(Measured):
    """One kernel tuned to K = 6 in the plane, N points: E|V̂|² over the prediction in the band, and what is seen."""

    effective_samples: float
    variance_over_predicted: float
    gain: float  # the mean response to a density's tilt at frequencies 1 and K over that of infinitely many points
    gain_at_the_top: float


@dataclass(frozen=True)
class Given(Measured):
    """Batches of N, so many steps: the error that is left, over that of the best mixture for that N."""

    error: float  # of the best one, over that at the start
    eta: float
    tilt: float  # its rate at frequency 1 over that at K: 1 is level
    effective_samples: float
    over_best: dict[str, float]  # each at its best bandwidth and step size for N; `level`: the design for K as it is


@dataclass(frozen=True)
class CircleSteps(Measured):
    """Particles on the circle against fresh batches: the error that is left over the expected one."""

    left: float
    expected: float
    error: float


@dataclass(frozen=True)
class Sampled(Measured):
    noise: dict[str, Noise]
    variance_error: float  # largest relative difference where a point sees 20 others and more
    given: dict[str, Given]
    circle: dict[str, CircleSteps]
    made_error: float
    tilt_at_fewest: float
    tilt_at_most: float
    level_over_best: float  # of the level design, on detail that falls with the frequency, at the fewest samples
    laplace_over_best: float  # at the same
    designed_over_best: float  # at the same, the design at a bandwidth of its own
    level_over_laplace_of_many: float  # at the most samples, with energy that is the same at all frequencies
    laplace_over_level_made: (
        float  # the same of the steps that were made: error under the Laplace kernel over the level's
    )

    def tables(self) -> dict[str, Table]:
        names = [name for name in (*TITLES, "level") if all(name in each.over_best for each in self.given.values())]
        rows = [
            (key, each.error, each.eta, each.tilt, each.effective_samples, *(each.over_best[name] for name in names))
            for key, each in self.given.items()
        ]
        return {"given": columns(("case", "error", "eta", "tilt", "effective_samples", *names), rows)}


def sampled(config: DesignKernelConfig) -> Sampled:
    generator = torch.Generator().manual_seed(config.seed)
    noises = {
        f"noise.{name}.{n}": _noise(each.kernel, n, config.draws, generator)
        for name, each in contenders(_BAND, 2).items()
        if name in MEASURED and each.kernel is not None
        for n in config.noise_samples
    }
    given = {
        f"given.{spectrum:g}.{n}": _given(config, spectrum, n) for spectrum in config.spectra for n in config.batches
    }
    circle = _circle_steps(config, generator)
    steep, few, many = max(config.spectra), min(config.batches), max(config.batches)
    at_few = given[f"given.{steep:g}.{few}"]
    flat = given[f"given.{min(config.spectra):g}.{many}"]
    return Sampled(
        noises,
        max(abs(each.variance_over_predicted - 1) for each in noises.values() if each.effective_samples >= 20),
        given,
        circle,
        max(abs(each.error) for each in circle.values()),
        at_few.tilt,
        given[f"given.{steep:g}.{many}"].tilt,
        at_few.over_best["level"],
        at_few.over_best["laplace"],
        at_few.over_best["optimal"],
        flat.over_best["level"] / flat.over_best["laplace"],
        circle["made.laplace"].left / circle["made.optimal"].left,
    )


def _noise(kernel: Spectral, n: int, draws: int, generator: torch.Generator) -> Noise:
    """Points of the grid drawn from a density on it, so that its sums are those of the samples."""
    torus = Torus(_GRID, 2)
    periodic, k = torus_flow.periodic(kernel, torus), np.arange(1, _BAND + 1)
    waves = torus.waves(np.stack([k, 0 * k], axis=1))
    fields = _fields(torus, periodic, np.full((_GRID, _GRID), _GRID**-2.0), n, draws, generator)
    amplitudes = fields[:, 0].reshape(draws, -1) @ waves.T / _GRID**2
    ratios = (np.abs(amplitudes) ** 2).mean(axis=0) / noise(kernel.rate(k.astype(float), 2), k.astype(float), n)
    gains = []
    for mode in (1, _BAND):
        tilted = torus_flow.perturbed(torus, np.array([[mode, 0]]), _TILT)[0]
        whole = torus.amplitude(periodic.mean_shift(tilted)[0], waves[mode - 1 : mode])[0]
        shape = tilted / tilted.sum()
        fields = _fields(torus, periodic, shape, n, draws, generator)
        seen = (fields[:, 0].reshape(draws, -1) @ waves[mode - 1] / _GRID**2).mean()
        gains.append(float((seen / whole).real))
    return Noise(effective_samples(kernel, n, 2), float(ratios.mean()), *gains)


def _fields(torus: Torus, kernel: torus_flow.PeriodicKernel, shape: np.ndarray, n: int, draws: int,
            generator: torch.Generator) -> np.ndarray:  # fmt: skip
    """Mean shifts [draws, d, …] of n points each."""
    weights = torch.from_numpy(shape.ravel())
    places = torch.multinomial(weights.expand(draws, -1), n, replacement=True, generator=generator)
    counts = torch.zeros(draws, len(weights), dtype=torch.float64).scatter_add_(
        1, places, torch.ones_like(places).double()
    )
    cell = (torus_flow.PERIOD / torus.n) ** torus.d
    return kernel.mean_shift((counts / (n * cell)).numpy().reshape(draws, *[torus.n] * torus.d))


def _given(config: DesignKernelConfig, spectrum: float, n: int) -> Given:
    modes, d = config.given_modes, config.given_dimension
    k = np.arange(1.0, _BEYOND * modes + 1)
    count = k ** (d - 1)  # modes at |ξ| = k, up to a constant
    energy = np.where(k <= modes, _ENERGY * k**-spectrum, 0.0)
    c, steps = 2 / n, config.given_steps
    best = best_design(k, count, energy, c, steps, np.geomspace(0.3 / modes, 3.0, _WIDTHS))
    kernel = best.kernel(d)
    rate = kernel.rate(np.array([1.0, modes]), d)

    def left(each: Contender) -> float:
        scales = np.geomspace(_NARROWER, _WIDER, _SCALES)
        return min(best_step(stretched(each.rate, float(s)), k, count, energy, c, steps)[1] for s in scales)

    every = contenders(modes, d)
    over = {name: left(each) / best.error for name, each in every.items()}
    over["level"] = best_step(every["optimal"].rate, k, count, energy, c, steps)[1] / best.error
    start = float((count * energy).sum())
    return Given(best.error / start, best.eta, float(rate[0] / rate[1]), effective_samples(kernel, n, d), over)


def _circle_steps(config: DesignKernelConfig, generator: torch.Generator) -> dict[str, CircleSteps]:
    """Steps of particles on the circle against fresh batches, each kernel at its best step size for them."""
    k, batch = np.arange(1.0, _CIRCLE + 1), config.made_batch
    energy, count = _ENERGY * k**-2, np.ones(len(k))
    best = best_design(k, count, energy, 1 / batch, _STEPS, np.geomspace(0.3 / _CIRCLE, 3.0, _WIDTHS))
    kernels: dict[str, tuple[Spectral, float]] = {"best": (best.kernel(1), best.eta)}
    for name, each in contenders(_CIRCLE, 1).items():
        if name in MEASURED and each.kernel is not None:
            scales = [1.0] if name == "optimal" else np.geomspace(_NARROWER, 5.0, _SCALES)
            tried = [each.kernel.scaled(float(s)) for s in scales]
            found = [best_step(rate_of(t, 1), k, count, energy, 1 / batch, _STEPS) for t in tried]
            at = int(np.argmin([error for _, error in found]))
            kernels[name] = tried[at], found[at][0]
    steps = {}
    for name, (kernel, eta) in kernels.items():
        expected = float(after(eta * kernel.rate(k, 1), energy, 1 / batch, _STEPS).sum())
        left = float(np.mean([_left(kernel, eta, energy, batch, generator) for _ in range(config.made_repeats)]))
        steps[f"made.{name}"] = CircleSteps(left, expected, left / expected - 1)
    return steps


def _left(kernel: Spectral, eta: float, energy: np.ndarray, batch: int, generator: torch.Generator) -> float:
    """Σ|η|² of the band after the steps, from quantiles of a density with that energy and random phases."""
    torus = Torus(1024, 1)
    phases = 2 * math.pi * torch.rand(len(energy), generator=generator, dtype=torch.float64).numpy()
    density = 1 + sum(2 * math.sqrt(e) * np.cos((i + 1) * torus.points[0] + phase)
                      for i, (e, phase) in enumerate(zip(energy, phases, strict=True)))  # fmt: skip
    share = np.cumsum(np.maximum(density, 0))
    edges = np.append(torus.points[0], torus_flow.PERIOD)
    levels = (np.arange(_PARTICLES) + 0.5) / _PARTICLES
    x = np.interp(levels, np.append(0, share / share[-1]), edges)
    periodic = torus_flow.periodic(kernel, torus)
    for _ in range(_STEPS):
        data = torus_flow.PERIOD * torch.rand(batch, generator=generator, dtype=torch.float64).numpy()
        drift = _mean_shift(periodic, data) - _mean_shift(periodic, x)
        x = (x + eta * np.interp(x, edges, np.append(drift, drift[0]))) % torus_flow.PERIOD
    return float((np.abs(_modes(x)[1 : len(energy) + 1]) ** 2).sum())


def _modes(x: np.ndarray) -> np.ndarray:
    return np.exp(-1j * np.arange(_HARMONICS + 1)[:, None] * x).mean(axis=1)


def _mean_shift(kernel: torus_flow.PeriodicKernel, x: np.ndarray) -> np.ndarray:
    """On the grid, of points anywhere, by their first harmonics."""
    whole = np.zeros(kernel.torus.n // 2 + 1, dtype=complex)
    whole[: _HARMONICS + 1] = _modes(x) * kernel.torus.n / torus_flow.PERIOD
    return kernel.torus.back(whole * kernel.moment[0]) / kernel.torus.back(whole * kernel.mass)
