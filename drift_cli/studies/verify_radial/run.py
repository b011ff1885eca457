"""Where the drift of a radial kernel is a score difference, and where it is not (Lai et al.)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from drift_cli.errors import UserError
from drift_cli.figures.attempts import Drawing
from drift_cli.kernels import Laplace
from drift_cli.studies.numbers import Measured
from drift_cli.studies.study import study
from drift_cli.studies.verify_radial import decomposition, dimensions, figures, low_temperature, noised_query
from drift_cli.studies.verify_radial.decomposition import Decomposition
from drift_cli.studies.verify_radial.dimensions import Population, Sampled
from drift_cli.studies.verify_radial.low_temperature import LowTemperature
from drift_cli.studies.verify_radial.noised_query import Differences, Line
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.radial_quadrature import TooCoarse


@dataclass(frozen=True)
class Result(Measured):
    noised: Differences
    decomposition: Decomposition
    population: Population
    sampled: Sampled
    low_temperature: LowTemperature
    line: Line


def run(config: VerifyRadialConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    with _refused():
        return _run(config, path)


def _run(config: VerifyRadialConfig, path: Path) -> Result:
    generator = torch.Generator().manual_seed(config.seed)
    noised = noised_query.differences(config, generator)  # a grid that is too coarse is refused before any work
    _check_nodes(config)
    with study("verify-radial", config, path, config.seed, parts=5) as s:
        s.part("the decomposition on samples")
        decomposed = decomposition.decomposition(config, generator)
        s.part("population values over the dimensions")
        population = dimensions.population_values(config, generator)
        s.part("Monte Carlo over the dimensions")
        sampled = dimensions.monte_carlo(config, population.sweep, generator)
        s.part("lower temperatures")
        low = low_temperature.low_temperature(config)
        s.part("figures")
        line = noised_query.line(config, generator)
        result = Result(noised, decomposed, population, sampled, low, line)
        s.leave(result, _drawn(config, result, s.drawings))
    return result


def _drawn(config: VerifyRadialConfig, result: Result, folder: Path) -> Iterator[Drawing]:
    yield "residuals", lambda: figures.residuals(result.sampled, config.temperature, folder)
    yield "directions", lambda: figures.directions(result.sampled, config.temperature, config.samples, folder)
    yield "low_temperature", lambda: figures.low_temperature(result.low_temperature, folder)
    yield "noised_query", lambda: figures.noised_query(result.line, config.dmd_bandwidth, folder)


@contextmanager
def _refused() -> Iterator[None]:
    """A quadrature that is too coarse is the user's setting."""
    try:
        yield
    except TooCoarse as error:
        raise UserError(f"{error}.") from error


def _check_nodes(config: VerifyRadialConfig) -> None:
    """Before any work: the quadrature at the ends of what is asked for. Raises the failure that wants most nodes."""
    first, last = config.dimensions[0], config.dimensions[-1]
    ends = [(dimension, kernel) for dimension in (first, last) for kernel in dimensions.kernels(config, dimension)]
    ends += [(config.low_dimensions[-1], Laplace(tau)) for tau in config.low_temperatures]
    pair, failures = dimensions.pairs(config)["both"], []
    for dimension, kernel in ends:
        try:
            pair.compare(kernel, dimension, (0.0, math.sqrt(dimension)), config.nodes, config.tolerance)
        except TooCoarse as failure:
            failures.append(failure)
    if failures:
        raise max(failures, key=lambda failure: failure.enough or math.inf)
