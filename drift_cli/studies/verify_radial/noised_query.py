"""Of `drift verify-radial`: the drift at noised queries is DMD's direction, unlike the drift at x (ours)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator

from drift_cli.errors import UserError
from drift_cli.studies.study import Study
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory.noised_query import clouds

_DIMENSIONS = (1, 2)  # of the clouds
_QUERIES = 8
_TOLERANCE = 1e-11  # by how much the noised drift may change when its grid is made twice as fine


def differences(config: VerifyRadialConfig, generator: Generator) -> dict[str, float]:
    """The largest error over the clouds, and the least difference of the plain drift."""
    found = [_differences(config, dimension, generator) for dimension in _DIMENSIONS]
    return {
        "dmd_error": max(each["error"] for each in found),
        "dmd_plain_difference": min(each["plain"] for each in found),
    }


def _differences(config: VerifyRadialConfig, dimension: int, generator: Generator) -> dict[str, float]:
    """The noised-query drift against DMD's direction; `plain` is how far the drift at x itself is from it."""
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
    return {
        "error": float((finer - direction).abs().max() / unit),
        "plain": float((plain - direction).abs().max() / unit),
    }


def line(s: Study, config: VerifyRadialConfig, generator: Generator) -> dict[str, np.ndarray]:
    """Plain drift, noised drift and DMD's direction along a line, for the figure."""
    found = clouds(1, config.dmd_points, config.dmd_bandwidth, generator)
    x = torch.linspace(-4, 4, 161, dtype=torch.float64)[:, None]
    tensors = {
        "x": x,
        "plain": found.drift(x) / config.dmd_bandwidth**2,
        "noised": found.noised_drift(x, config.dmd_nodes),
        "dmd": found.dmd_direction(x, config.dmd_nodes),
    }
    columns = {name: column[:, 0].numpy() for name, column in tensors.items()}
    s.curves("noised_query", columns)
    return columns
