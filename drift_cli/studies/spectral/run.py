"""`drift spectral`: rates of decay per frequency, predicted and measured, and the convergence times they give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drift_cli.errors import UserError
from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, RationalQuadratic, Spectral
from drift_cli.studies.spectral import beyond as spectral_beyond
from drift_cli.studies.spectral import figures
from drift_cli.studies.spectral import rates as spectral_rates
from drift_cli.studies.spectral import times as spectral_times
from drift_cli.studies.spectral.beyond import Beyond
from drift_cli.studies.spectral.rates import Measurement, Particles, Prediction
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.studies.spectral.times import Figure2
from drift_cli.studies.study import study
from drift_cli.theory import torus_flow


@dataclass(frozen=True)
class Result:
    """What was measured; `summary` is what summary.json holds."""

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
        predictions = spectral_rates.predict(s, config, kernels)
        measurements = []
        for name, kernel in kernels.items():
            for d in (1, 2):
                s.part(f"nonlinear equation in {d}-D, {name}")
                modes = spectral_rates.wave_vectors(config, d)
                measurements.append(spectral_rates.measure(config, name, kernel, modes, config.horizon))
        spectral_rates.report(s, measurements)
        s.part("growth of the convergence time with the frequency")
        spectral_times.growth(s, config, measurements)
        s.part("particles")
        particles = spectral_rates.particles(s, config)
        s.part("convergence times")
        figure2 = spectral_times.figure2(s, config)
        s.part("other targets, other drifts, finite steps")
        beyond = spectral_beyond.beyond(s, config)
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
            frequencies = np.linalg.norm(spectral_rates.wave_vectors(config, d), axis=1)
            fastest = float(kernel.rate(frequencies, d).max())
            if fastest * config.horizon < spectral_rates.RESOLVED:
                remedy = (
                    f"the smallest that will do is {spectral_rates.RESOLVED / fastest:.3g}"
                    if fastest > 0
                    else "lower bandwidth"
                )
                raise UserError(
                    f"horizon is too short for anything to decay with the {name} kernel of bandwidth "
                    f"{config.bandwidth:g} in {d}-D: got {config.horizon:g}, {remedy}."
                )
