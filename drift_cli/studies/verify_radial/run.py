"""Where the drift of a radial kernel is a score difference, and where it is not (Lai et al.)."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from drift_cli.kernels import Laplace
from drift_cli.studies.study import refused, study
from drift_cli.studies.verify_radial import decomposition, dimensions, figures, low_temperature, noised_query
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.radial_quadrature import TooCoarse


@refused(TooCoarse)
def run(config: VerifyRadialConfig, path: Path) -> None:
    """Everything, into the run folder `path`."""
    generator = torch.Generator().manual_seed(config.seed)
    noised = noised_query.differences(config, generator)  # a grid that is too coarse is refused before any work
    _check_nodes(config)
    with study("verify-radial", config, path, config.seed, parts=5) as s:
        s.leave(noised)
        s.part("the decomposition on samples")
        s.leave(decomposition.decomposition(config, generator))
        s.part("population values over the dimensions")
        population = dimensions.population_values(config, generator)
        s.leave(population)
        s.part("Monte Carlo over the dimensions")
        sampled = dimensions.monte_carlo(config, population.sweep, generator)
        s.leave(
            sampled,
            [
                ("residuals", lambda: figures.residuals(sampled, config.temperature, s.drawings)),
                ("directions", lambda: figures.directions(sampled, config.temperature, config.samples, s.drawings)),
            ],
        )
        s.part("lower temperatures")
        low = low_temperature.low_temperature(config)
        s.leave(low, [("low_temperature", lambda: figures.low_temperature(low, s.drawings))])
        s.part("noised queries")
        line = noised_query.line(config, generator)
        s.leave(line, [("noised_query", lambda: figures.noised_query(line, config.dmd_bandwidth, s.drawings))])


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
