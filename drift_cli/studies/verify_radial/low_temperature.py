"""Of `drift verify-radial`: the residual's limit 1/(D + 1) as the temperature falls, and the direction there (ours)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Laplace
from drift_cli.studies.study import Curves, Study
from drift_cli.studies.verify_radial.dimensions import pairs
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.fits import fit
from drift_cli.theory.radial_quadrature import population


@dataclass(frozen=True)
class LowTemperature:
    """[dimension, temperature]: the relative residual of one mean shift, and 1 − cosine with both mismatches."""

    residual: np.ndarray
    misalignment: np.ndarray


def low_temperature(s: Study, config: VerifyRadialConfig) -> LowTemperature:
    """At every dimension and temperature. Raises `TooCoarse` where the nodes do not suffice."""
    found = _integrated(config)
    _summarise(s, config, found)
    return found


def _integrated(config: VerifyRadialConfig) -> LowTemperature:
    pair, exact = pairs(config)["both"], (config.nodes, config.tolerance)
    residual, misalignment = (np.empty((len(config.low_dimensions), len(config.low_temperatures))) for _ in range(2))
    for k, dimension in enumerate(config.low_dimensions):
        distance = math.sqrt(dimension)
        for t, temperature in enumerate(config.low_temperatures):
            kernel = Laplace(temperature)
            residual[k, t] = population(kernel, dimension, distance, 1.0, *exact).relative_residual
            misalignment[k, t] = 1 - pair.compare(kernel, dimension, (0.0, distance), *exact).cosine
    return LowTemperature(residual, misalignment)


def _summarise(s: Study, config: VerifyRadialConfig, low: LowTemperature) -> None:
    """The limit 1/(D + 1) at the lowest temperature, and how fast the lowest three approach it."""
    away = _away_from_limit(config, low)
    s.summary |= {
        "low_temperature_error": away[:, 0].max(),
        "low_temperature_cosine": 1 - low.misalignment[:, 0].max(),
        "low_temperature_residual": low.residual[:, 0].max(),
    }
    temperatures = np.log(np.tile(config.low_temperatures[:3], (len(away), 1)))
    rates = np.log(away[:, :3])
    centred = [values - values.mean(axis=1, keepdims=True) for values in (temperatures, rates)]
    line = fit(centred[0].ravel(), centred[1].ravel())
    s.interval("low_temperature_exponent", line.slope, line.low, line.high)


def _away_from_limit(config: VerifyRadialConfig, low: LowTemperature) -> np.ndarray:
    return np.abs(low.residual * (np.array(config.low_dimensions)[:, None] + 1) - 1)


def columns(s: Study, config: VerifyRadialConfig, low: LowTemperature) -> Curves:
    """A row for each dimension and temperature."""
    grid = np.meshgrid(config.low_temperatures, config.low_dimensions)
    by_temperature: Curves = {
        "dimension": grid[1].ravel(),
        "temperature": grid[0].ravel(),
        "residual": low.residual.ravel(),
        "away_from_limit": _away_from_limit(config, low).ravel(),
        "misalignment": low.misalignment.ravel(),
    }
    s.curves("low_temperature", by_temperature)
    return by_temperature
