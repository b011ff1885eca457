"""Rates of decay per frequency, predicted and measured, and the convergence times they give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drift_cli.errors import UserError
from drift_cli.kernels import Gaussian, Laplace, RationalQuadratic, Spectral
from drift_cli.studies.kernels import every_kernel
from drift_cli.studies.spectral import beyond, figures, rates, times
from drift_cli.studies.spectral.settings import SpectralConfig
from drift_cli.studies.study import study
from drift_cli.theory import torus_flow


def run(config: SpectralConfig, path: Path) -> None:
    """Everything, into the run folder `path`."""
    every = every_kernel(config.bandwidth, config.alpha)
    if without := [name for name in config.kernels if name not in every]:
        raise UserError(f"each of kernels must have a Fourier transform, got {without[0]}: leave it out.")
    kernels = {name: every[name] for name in config.kernels}
    _refuse_what_cannot_be_measured(config, kernels)
    with study("spectral", config, path, config.seed, parts=2 * len(kernels) + 4) as s:
        predicted = rates.predict(config, kernels)
        s.leave(
            predicted,
            [("predictions", lambda: figures.draw_predictions(predicted.rates, config.bandwidth, s.drawings))],
        )
        measured = []
        for name, kernel in kernels.items():
            for d in (1, 2):
                s.part(f"nonlinear equation in {d}-D, {name}")
                measured.append(rates.measure(config, name, kernel, rates.wave_vectors(config, d), config.horizon))
        s.leave(rates.compare(measured))
        s.part("growth of the convergence time with the frequency")
        s.leave(times.growth(config, measured))
        s.part("particles")
        particles = rates.particles(config)
        s.leave(particles, [("rates", lambda: figures.draw_rates(measured, particles.by_kernel, s.drawings))])
        s.part("convergence times")
        figure2 = times.figure2(config)
        s.leave(figure2, [("times", lambda: figures.draw_times(figure2, config.epsilon, config.dimension, s.drawings))])
        s.part("other targets, other drifts, finite steps")
        others, shown = beyond.beyond(config), (config.target_ratio, config.tilt, config.regularisation)
        s.leave(others, [("beyond", lambda: figures.draw_beyond(others, *shown, s.drawings))])


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
