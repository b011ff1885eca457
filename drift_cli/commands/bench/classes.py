"""The contestants of `what=classes`: the drift of ten classes of equal size, in one call and in other ways.

x and data are cut into ten parts, class by class; rows that are left over are not moved and have drift zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from drift_cli.commands.bench.settings import CLASSES
from drift_cli.drift import MeanShift, drift_of_classes, drift_per_class
from drift_cli.kernels import Laplace


def together(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """All classes in one call of the fused loop."""
    queries = _parted(x)
    drift = drift_of_classes(MeanShift("include"), Laplace(tau), queries, _parted(data), queries, paired=True)
    return _whole(drift, x)


def one_by_one(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """A call for each class."""
    operator, kernel = MeanShift("include"), Laplace(tau)
    pairs = zip(_parted(x), _parted(data), strict=True)
    return _whole(torch.stack([operator(kernel, own, points, own, paired=True) for own, points in pairs]), x)


def by_labels(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """A call for each class, whose rows are looked up by their labels."""
    n, m = (CLASSES * (len(points) // CLASSES) for points in (x, data))
    labels, real = (torch.arange(CLASSES, device=x.device).repeat_interleave(rows // CLASSES) for rows in (n, m))
    drift = drift_per_class(MeanShift("include"), Laplace(tau), x[:n], x[:n], labels, data[:m], real, paired=True)
    return _whole(drift, x)


def naive(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """The one-liner that people write, of all classes in one batched product."""
    queries, points = _parted(x), _parted(data)
    attraction = torch.softmax(-torch.cdist(queries, points) / tau, dim=2) @ points
    repulsion = torch.softmax(-torch.cdist(queries, queries) / tau, dim=2) @ queries
    return _whole(attraction - repulsion, x)


def reference(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """Of every row, from all pairs of each class."""

    def mean(queries: Tensor, points: Tensor) -> Tensor:
        distances = torch.cdist(queries, points, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.softmax(-distances / tau, dim=1) @ points

    parts = zip(_parted(x), _parted(data), strict=True)
    return _whole(torch.stack([mean(own, points) - mean(own, own) for own, points in parts]), x)


def _parted(points: Tensor) -> Tensor:
    each = len(points) // CLASSES
    return points[: CLASSES * each].unflatten(0, (CLASSES, each))


def _whole(drift: Tensor, x: Tensor) -> Tensor:
    """[n, d] of [10, n/10, d], or of the rows."""
    rows = drift.reshape(-1, x.shape[1])
    return torch.cat([rows, x.new_zeros(len(x) - len(rows), x.shape[1])])
