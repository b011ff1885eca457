"""The residual's limit 1/(D + 1) as the temperature falls, and the direction there (ours)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Laplace
from drift_cli.studies.numbers import Interval, Measured, Table, cells, slope
from drift_cli.studies.verify_radial.dimensions import pairs
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.radial_quadrature import population


@dataclass(frozen=True)
class LowTemperature(Measured):
    """Arrays [dimension, temperature]: the relative residual of one mean shift, and 1 − cosine with both mismatches.

    `away_from_limit` is |residual·(D + 1) − 1|. The numbers are the largest difference, the least cosine and the
    largest residual at the lowest temperature, and the power of it with which the lowest three approach the limit.
    """

    low_temperature_error: float
    low_temperature_cosine: float
    low_temperature_residual: float
    low_temperature_exponent: Interval
    dimensions: np.ndarray
    temperatures: np.ndarray
    residual: np.ndarray
    away_from_limit: np.ndarray
    misalignment: np.ndarray

    def tables(self) -> dict[str, Table]:
        found = {name: getattr(self, name) for name in ("residual", "away_from_limit", "misalignment")}
        return {"low_temperature": cells({"dimension": self.dimensions, "temperature": self.temperatures}, found)}


def low_temperature(config: VerifyRadialConfig) -> LowTemperature:
    """At every dimension and temperature. Raises `TooCoarse` where the nodes do not suffice."""
    pair, exact = pairs(config)["both"], (config.nodes, config.tolerance)
    dimensions, temperatures = np.array(config.low_dimensions), np.array(config.low_temperatures)
    residual, misalignment = (np.empty((len(dimensions), len(temperatures))) for _ in range(2))
    for k, dimension in enumerate(config.low_dimensions):
        distance = math.sqrt(dimension)
        for t, temperature in enumerate(config.low_temperatures):
            kernel = Laplace(temperature)
            residual[k, t] = population(kernel, dimension, distance, 1.0, *exact).relative_residual
            misalignment[k, t] = 1 - pair.compare(kernel, dimension, (0.0, distance), *exact).cosine
    away = np.abs(residual * (dimensions[:, None] + 1) - 1)
    return LowTemperature(
        away[:, 0].max(), 1 - misalignment[:, 0].max(), residual[:, 0].max(), _exponent(temperatures[:3], away[:, :3]),
        dimensions, temperatures, residual, away, misalignment,
    )  # fmt: skip


def _exponent(temperatures: np.ndarray, away: np.ndarray) -> Interval:
    """One slope for all dimensions, each with its own level."""
    logs = np.log(np.tile(temperatures, (len(away), 1))), np.log(away)
    x, y = ((values - values.mean(axis=1, keepdims=True)).ravel() for values in logs)
    return slope(x, y)
