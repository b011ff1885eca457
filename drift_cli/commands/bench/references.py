"""The float64 reference: the drift or gradient with which each contestant of a cell is compared."""

from __future__ import annotations

import torch
from torch import Tensor

from drift_cli.commands.bench import classes, contestants
from drift_cli.commands.bench.path_gradients import path_gradients

_CHECKED_ROWS = 256  # queries whose drift is compared
_LARGEST = 4096  # points up to which there is a reference that needs all pairs at once, or their derivatives


def references(what: str, x: Tensor, data: Tensor, tau: float) -> dict[str, Tensor]:
    """By contestant, of x's first rows [·, d]; nobody where there is none."""
    if what in ("paths", "row_column", "classes") and len(x) > _LARGEST:
        return {}
    if what == "paths":
        return path_gradients(x, data, tau)
    found = _OTHERS.get(what, _mean_shift)(x, data, tau)
    return {who: found for who in contestants.installed(what) if (what, who) not in contestants.ANOTHER_FIELD}


def error(found: Tensor, reference: Tensor | None) -> float | None:
    """Relative error over the rows that have a reference, in the Frobenius norm."""
    if reference is None:
        return None
    return float((found[: len(reference)].double() - reference).norm() / reference.norm())


def _mean_shift(x: Tensor, data: Tensor, tau: float) -> Tensor:
    some, x, data = x[:_CHECKED_ROWS].double(), x.double(), data.double()

    def mean(points: Tensor) -> Tensor:
        distances = torch.cdist(some, points, compute_mode="donot_use_mm_for_euclid_dist")
        return torch.softmax(-distances / tau, dim=1) @ points

    return mean(data) - mean(x)


def _row_column(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return contestants.official(x.double(), data.double(), tau)[:_CHECKED_ROWS]


def _of_classes(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return classes.reference(x.double(), data.double(), tau)


_OTHERS = {"row_column": _row_column, "classes": _of_classes}
