"""The contestants: functions of (x, data, τ) that return the drift of x, with a Laplace kernel; `paths` and `classes`
have their own.

`naive` is the usual one-liner, `naive_inplace` the fastest eager form that we could write; `official` is the doubly
normalised operator of Deng et al.'s toy notebook, written plainly in eager torch (ours, from the formula); `keops` and
`drift_models` are those packages themselves, where they are installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import torch
from torch import Tensor

from drift_cli.commands.bench import classes, paths
from drift_cli.drift import BatchNormalized, MeanShift
from drift_cli.kernels import Laplace

_ROWS = 256  # of a block of products: measured faster than one product of all rows
Contestant = Callable[[Tensor, Tensor, float], Tensor]


def ours(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return MeanShift("include")(Laplace(tau), x, data, x, paired=True)


def naive(x: Tensor, data: Tensor, tau: float) -> Tensor:
    attraction = torch.softmax(-torch.cdist(x, data) / tau, dim=1) @ data - x
    repulsion = torch.softmax(-torch.cdist(x, x) / tau, dim=1) @ x - x
    return attraction - repulsion


def naive_inplace(x: Tensor, data: Tensor, tau: float) -> Tensor:
    def mean(points: Tensor) -> Tensor:
        weights = torch.cdist(x, points).mul_(-1 / tau)
        weights.sub_(weights.amax(dim=1, keepdim=True)).clamp_min_(-80).exp_()
        return (weights @ points).div_(weights.sum(dim=1, keepdim=True))

    return mean(data) - mean(x)


def keops(x: Tensor, data: Tensor, tau: float) -> Tensor:
    from pykeops.torch import LazyTensor

    queries = LazyTensor(x[:, None, :])

    def mean(points: Tensor) -> Tensor:
        other = LazyTensor(points[None, :, :])
        logits = -((queries - other) ** 2).sum(-1).sqrt() / tau
        return logits.sumsoftmaxweight(other, axis=1)

    return mean(data) - mean(x)


def drift_models_row(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """Normalised over rows alone, its nearest form to the mean shift (its gain makes it another field)."""
    from drifting_models.drift_field import DriftFieldConfig, compute_v

    config = DriftFieldConfig(temperature=tau, normalize_over_x=False, mask_self_negatives=False)
    return compute_v(x, data, x, config=config)


def ours_row_column(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return BatchNormalized("exclude")(Laplace(tau), x, data, x, paired=True)


def products(x: Tensor, data: Tensor) -> None:
    """No drift: the four matrix products that one takes in many dimensions, a block of rows at a time, and no more."""
    for points in (data, x):
        for rows in x.split(_ROWS):
            torch.mm(torch.mm(rows, points.T), points)


def official(x: Tensor, data: Tensor, tau: float) -> Tensor:
    n = len(x)
    distances = torch.cdist(x, torch.cat([x, data]))
    distances[:, :n].fill_diagonal_(float("inf"))
    kernel = torch.exp(-distances / tau)
    kernel = kernel / (kernel.sum(dim=1, keepdim=True) * kernel.sum(dim=0, keepdim=True)).sqrt()
    repulsion, attraction = kernel[:, :n], kernel[:, n:]
    toward = (attraction @ data) * repulsion.sum(dim=1, keepdim=True)
    return toward - (repulsion @ x) * attraction.sum(dim=1, keepdim=True)


def drift_models_row_column(x: Tensor, data: Tensor, tau: float) -> Tensor:
    from drifting_models.drift_field import DriftFieldConfig, compute_v

    return compute_v(x, data, x, config=DriftFieldConfig(temperature=tau))


_EVERY: dict[str, dict[str, tuple[Contestant, str | None]]] = {
    "mean_shift": {
        "ours": (ours, None),
        "naive": (naive, None),
        "naive_inplace": (naive_inplace, None),
        "keops": (keops, "pykeops"),
        "drift_models": (drift_models_row, "drifting_models"),
    },
    "narrow": {
        "ours": (ours, None),
        "naive": (naive, None),
        "naive_inplace": (naive_inplace, None),
        "keops": (keops, "pykeops"),
    },
    "row_column": {
        "ours": (ours_row_column, None),
        "official": (official, None),
        "drift_models": (drift_models_row_column, "drifting_models"),
    },
    "paths": {
        "stop-gradient": (paths.stop_gradient, None),
        "query": (paths.query, None),
        "samples": (paths.samples, None),
        "both": (paths.both, None),
        "naive": (paths.naive, None),
    },
    "classes": {
        "together": (classes.together, None),
        "one by one": (classes.one_by_one, None),
        "by labels": (classes.by_labels, None),
        "naive": (classes.naive, None),
    },
}
BUILDS_AN_ARRAY = ("naive", "naive_inplace", "official", "drift_models")  # of N×M numbers
ANOTHER_FIELD = (("mean_shift", "drift_models"),)  # measured for its time, not for its error


def installed(what: str) -> dict[str, Contestant]:
    """Those whose package is there; the others' times are reported as multiples of the first's."""
    return {
        who: contestant
        for who, (contestant, package) in _EVERY[what].items()
        if package is None or importlib.util.find_spec(package) is not None
    }
