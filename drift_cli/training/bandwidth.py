"""`kernel.bandwidth=auto`: the bandwidth at which a point of the data sees a tenth of the others.

Drifting compares a sample with its neighbours. A kernel that sees one point copies it, one that sees them all pulls to
the mean. And `kernel.dimension=auto`, where a kernel asks: the data's own, in however many columns it lies. Found
before training, and kept in config.yaml as the numbers that they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from drift_cli.config.objects import Settings
from drift_cli.data import Target
from drift_cli.errors import UserError
from drift_cli.kernels.base import share_seen
from drift_cli.metrics.effective_sample_size import bandwidth_seeing
from drift_cli.metrics.intrinsic_dimension import intrinsic_dimension
from drift_cli.training.streams import stream

_QUERIES, _POINTS = 256, 2048
_FEWEST = 20  # other points of its class, of which a share can be told


def provisional(kernel: Settings) -> Settings:
    """The same kernel with 1 for each number that is not found yet, for what does not depend on it."""
    unit: dict[str, Any] = dict.fromkeys(kernel.left_open(), 1.0)
    return replace(kernel, **unit)


def found_on(target: Target, kernel: Settings) -> tuple[Settings, str]:
    """The kernel with its numbers found, and a line that says why; as it is, and "", where they are numbers already."""
    told = []
    if "dimension" in kernel.left_open():
        kernel, why = _with_dimension(target, kernel)
        told.append(why)
    if "bandwidth" in kernel.left_open():
        kernel, why = _with_bandwidth(target, kernel)
        told.append(why)
    return kernel, "; ".join(told)


def _with_dimension(target: Target, kernel: Settings) -> tuple[Settings, str]:
    """By the two nearest neighbours of 2,304 points, of all classes together."""
    points = target.sample(_QUERIES + _POINTS, stream(0, "floor"), torch.float64).points
    try:
        found = intrinsic_dimension(points)
    except ValueError as error:
        raise UserError(
            f"kernel.dimension=auto cannot estimate the dimension of this data, {error}: give a number."
        ) from error
    number: dict[str, Any] = {"dimension": float(f"{found.value:.3g}")}
    interval = f"95 % interval {found.low:.3g} to {found.high:.3g}"
    return replace(kernel, **number), (
        f"kernel.dimension=auto: {number['dimension']:g} ({interval}), by the two nearest neighbours of "
        f"{len(points):,} points, in {points.shape[1]:,} columns"
    )


def _with_bandwidth(target: Target, kernel: Settings) -> tuple[Settings, str]:
    """The effective sample size of the weights on 2,048 points of the data (of a finite set, on the rest of it).

    Over their number, in the mean over 256 other points. Where the data has classes a point sees those of its own
    alone, as in training, and one bandwidth serves all classes. The same for every seed: it belongs to the data.
    """
    name, word = "bandwidth", kernel.bandwidth
    share = share_seen(f"kernel.{name}", word)
    groups = _groups(target)
    try:
        value = float(f"{bandwidth_seeing(share, provisional(kernel).made(), groups):.3g}")
    except ValueError as error:
        raise UserError(
            f"kernel.{name}={word} cannot determine a length from this data, {error}: give a number."
        ) from error
    others = sum(len(points) for _, points in groups)
    of_its_class = "" if len(groups) == 1 else f" of its class, in all {len(groups)} classes"
    why = f"at which a data point sees {100 * share:g} % of {others:,} others{of_its_class}"
    number: dict[str, Any] = {name: value}
    return replace(kernel, **number), f"kernel.{name}={word}: {value:g}, {why}"


def _groups(target: Target) -> list[tuple[Tensor, Tensor]]:
    """Queries and other points, of each class by itself."""
    batch = target.sample(_QUERIES + _POINTS, stream(0, "floor"), torch.float64)
    queries = min(_QUERIES, len(batch.points) // 2)
    if batch.labels is None:
        groups = [(batch.points[:queries], batch.points[queries:])]
    else:
        asked, seen = batch.labels[:queries], batch.labels[queries:]
        groups = [
            (batch.points[:queries][asked == label], batch.points[queries:][seen == label]) for label in asked.unique()
        ]
    if not groups or (fewest := min(len(points) for _, points in groups)) < _FEWEST:
        raise UserError(
            f"kernel.bandwidth=auto needs {_FEWEST} points or more (per class), got {fewest}: give a number."
        )
    return groups
