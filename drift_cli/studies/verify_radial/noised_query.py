"""The drift at noised queries is DMD's direction, unlike the drift at x (ours)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator

from drift_cli.errors import UserError
from drift_cli.studies.numbers import Measured, Table
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.noised_query import clouds

_DIMENSIONS = (1, 2)  # of the clouds
_QUERIES = 8
_TOLERANCE = 1e-11  # by how much the noised drift may change when its grid is made twice as fine


@dataclass(frozen=True)
class Differences(Measured):
    """From DMD's direction, in units of the noised drift: that of the noised drift, and that of the drift at x."""

    dmd_error: float
    dmd_plain_difference: float


@dataclass(frozen=True)
class Line(Measured):
    """Plain drift, noised drift and DMD's direction at the points x of a line."""

    x: np.ndarray
    plain: np.ndarray
    noised: np.ndarray
    dmd: np.ndarray

    def tables(self) -> dict[str, Table]:
        return {"noised_query": vars(self)}


def differences(config: VerifyRadialConfig, generator: Generator) -> Differences:
    """The largest error over the clouds, and the least difference of the plain drift."""
    found = [_differences(config, dimension, generator) for dimension in _DIMENSIONS]
    return Differences(max(each.dmd_error for each in found), min(each.dmd_plain_difference for each in found))


def _differences(config: VerifyRadialConfig, dimension: int, generator: Generator) -> Differences:
    found = clouds(dimension, config.dmd_points, config.dmd_bandwidth, generator)
    x = torch.randn(_QUERIES, dimension, generator=generator, dtype=torch.float64)
    noised = found.noised_drift(x, config.dmd_nodes)
    unit, finer = noised.abs().max(), found.noised_drift(x, 2 * config.dmd_nodes - 1)
    change = float((finer - noised).abs().max() / unit)
    if change > _TOLERANCE:
        raise UserError(
            f"dmd_nodes={config.dmd_nodes} is too coarse (a grid twice as fine changes the noised drift by "
            f"{change:.1e}): give dmd_nodes={2 * config.dmd_nodes - 1} or more."
        )
    direction, plain = found.dmd_direction(x, config.dmd_nodes), found.drift(x) / config.dmd_bandwidth**2
    return Differences(*(float((each - direction).abs().max() / unit) for each in (finer, plain)))


def line(config: VerifyRadialConfig, generator: Generator) -> Line:
    """On separate clouds."""
    found = clouds(1, config.dmd_points, config.dmd_bandwidth, generator)
    x = torch.linspace(-4, 4, 161, dtype=torch.float64)[:, None]
    plain, noised = found.drift(x) / config.dmd_bandwidth**2, found.noised_drift(x, config.dmd_nodes)
    return Line(*(each[:, 0].numpy() for each in (x, plain, noised, found.dmd_direction(x, config.dmd_nodes))))
