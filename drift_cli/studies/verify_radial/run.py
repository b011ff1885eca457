"""`drift verify-radial`: where the drift of a radial kernel is a score difference, and where it is not (Lai et al.)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from drift_cli.errors import UserError
from drift_cli.kernels import Laplace
from drift_cli.studies.study import study
from drift_cli.studies.verify_radial import decomposition as radial_decomposition
from drift_cli.studies.verify_radial import dimensions as radial_dimensions
from drift_cli.studies.verify_radial import figures as figure
from drift_cli.studies.verify_radial import low_temperature as radial_low_temperature
from drift_cli.studies.verify_radial import noised_query as radial_noised
from drift_cli.studies.verify_radial.dimensions import MonteCarlo, Sweep
from drift_cli.studies.verify_radial.low_temperature import LowTemperature
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.radial_quadrature import TooCoarse


@dataclass(frozen=True)
class Result:
    """What was measured; `summary` is what summary.json holds."""

    summary: dict[str, float]
    sweep: Sweep
    monte_carlo: MonteCarlo
    low_temperature: LowTemperature


def run(config: VerifyRadialConfig, path: Path) -> Result:
    """Check the identities, integrate and sample over the dimensions, lower the temperature; write what was found."""
    with _refused():
        return _run(config, path)


def _run(config: VerifyRadialConfig, path: Path) -> Result:
    generator = torch.Generator().manual_seed(config.seed)
    noised = radial_noised.differences(config, generator)  # a grid that is too coarse is refused before any work
    _check_nodes(config)
    with study("verify-radial", config, path, config.seed, parts=5) as s:
        s.summary |= noised
        s.part("the decomposition on samples")
        radial_decomposition.decomposition(s, config, generator)
        s.part("population values over the dimensions")
        sweep = radial_dimensions.sweep(s, config, generator)
        s.part("Monte Carlo over the dimensions")
        monte_carlo = radial_dimensions.monte_carlo(s, config, sweep, generator)
        s.part("lower temperatures")
        low = radial_low_temperature.low_temperature(s, config)
        s.part("figures")
        by_dimension = radial_dimensions.columns(s, config, sweep, monte_carlo)
        by_temperature = radial_low_temperature.columns(s, config, low)
        line, folder = radial_noised.line(s, config, generator), path / "figures"
        s.figures += [
            figure.residuals(by_dimension, config.temperature, folder),
            figure.directions(by_dimension, config.temperature, config.samples, folder),
            figure.low_temperature(by_temperature, folder),
            figure.noised_query(line, config.dmd_bandwidth, folder),
        ]
    return Result(s.summary, sweep, monte_carlo, low)


@contextmanager
def _refused() -> Iterator[None]:
    """A quadrature that is too coarse is the user's setting."""
    try:
        yield
    except TooCoarse as error:
        raise UserError(f"{error}.") from error


def _check_nodes(config: VerifyRadialConfig) -> None:
    """Before any work: the quadrature at the ends of what is asked for. Raises the failure that wants most nodes."""
    ends = [
        (d, kernel)
        for d in (config.dimensions[0], config.dimensions[-1])
        for kernel in radial_dimensions.kernels(config, d)
    ]
    ends += [(config.low_dimensions[-1], Laplace(tau)) for tau in config.low_temperatures]
    pair, failures = radial_dimensions.pairs(config)["both"], []
    for dimension, kernel in ends:
        try:
            pair.compare(kernel, dimension, (0.0, math.sqrt(dimension)), config.nodes, config.tolerance)
        except TooCoarse as failure:
            failures.append(failure)
    if failures:
        raise max(failures, key=lambda failure: failure.enough or math.inf)
