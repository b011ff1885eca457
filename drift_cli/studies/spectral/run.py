"""Rates of decay per frequency, predicted and measured, and the convergence times they give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from drift_cli.errors import UserError
from drift_cli.figures.attempts import Drawing
from drift_cli.kernels import Gaussian, Laplace, RationalQuadratic, Spectral
from drift_cli.kernels.mixture import Component
from drift_cli.studies.numbers import Measured, after
from drift_cli.studies.spectral import beyond, figures, rates, times
from drift_cli.studies.spectral.beyond import Beyond
from drift_cli.studies.spectral.rates import Comparison, ParticleRates, Predictions
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.studies.spectral.times import Figure2, Growth
from drift_cli.studies.study import study
from drift_cli.theory import torus_flow


@dataclass(frozen=True)
class Result(Measured):
    predictions: Predictions
    comparisons: dict[str, Comparison] = field(metadata=after("_"))  # of "gaussian_1d", …
    growth: Growth
    particles: ParticleRates
    figure2: Figure2
    beyond: Beyond


def run(config: SpectralConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    kernels = {
        name: cast(Spectral, Component(name, alpha=config.alpha).at(config.bandwidth)) for name in config.kernels
    }
    _refuse_what_cannot_be_measured(config, kernels)
    with study("spectral", config, path, config.seed, parts=2 * len(kernels) + 5) as s:
        predictions = rates.predict(config, kernels)
        comparisons = {}
        for name, kernel in kernels.items():
            for d in (1, 2):
                s.part(f"nonlinear equation in {d}-D, {name}")
                measured = rates.measure(config, name, kernel, rates.wave_vectors(config, d), config.horizon)
                comparisons[f"{name}_{d}d"] = rates.compare(measured)
        s.part("growth of the convergence time with the frequency")
        growth = times.growth(config, [each.measurement for each in comparisons.values()])
        s.part("particles")
        particles = rates.particles(config)
        s.part("convergence times")
        figure2 = times.figure2(config)
        s.part("other targets, other drifts, finite steps")
        others = beyond.beyond(config)
        s.part("figures")
        result = Result(predictions, comparisons, growth, particles, figure2, others)
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _drawn(config: SpectralConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    measurements = [each.measurement for each in result.comparisons.values()]
    yield "predictions", lambda: figures.draw_predictions(result.predictions.rates, config.bandwidth, folder)
    yield "rates", lambda: figures.draw_rates(measurements, result.particles.by_kernel, folder)
    yield "times", lambda: figures.draw_times(result.figure2, config.epsilon, config.dimension, folder)
    shown = result.beyond, config.target_ratio, config.tilt, config.regularisation
    yield "beyond", lambda: figures.draw_beyond(*shown, folder)


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
            frequencies = np.linalg.norm(rates.wave_vectors(config, d), axis=1)
            fastest = float(kernel.rate(frequencies, d).max())
            if fastest * config.horizon < rates.RESOLVED:
                remedy = (
                    f"the smallest sufficient value is {rates.RESOLVED / fastest:.3g}"
                    if fastest > 0
                    else "lower bandwidth"
                )
                raise UserError(
                    f"horizon is too short for anything to decay with the {name} kernel of bandwidth "
                    f"{config.bandwidth:g} in {d}-D: got {config.horizon:g}, {remedy}."
                )
