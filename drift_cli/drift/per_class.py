r"""Class-conditional drifting: a sample of class c sees the data and the samples of class c only."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from drift_cli.abilities import abilities
from drift_cli.drift.base import Drift
from drift_cli.kernels import Kernel


def drift_per_class(
    drift: Drift,
    kernel: Kernel,
    x: Float[Tensor, "n d"],
    model: Float[Tensor, "n d"],
    labels: Int[Tensor, " n"],
    data: Float[Tensor, "m d"],
    data_labels: Int[Tensor, " m"],
    *,
    paired: bool = True,
) -> Float[Tensor, "n d"]:
    """V for each class separately; every label must occur in the data.

    `model` contains the queries again, or (not `paired`) other samples of the same classes.

    A sample that is alone in its class is not repelled: its drift is only the attraction.
    """
    total = torch.zeros_like(x)
    for label in labels.unique():
        rows = (labels == label).nonzero().squeeze(1)
        total = total.index_put(
            (rows,), drift(kernel, x[rows], data[data_labels == label], model[rows], paired=paired and len(rows) > 1)
        )
    return total


def drift_of_classes(
    drift: Drift,
    kernel: Kernel,
    x: Float[Tensor, "c n d"],
    data: Float[Tensor, "c m d"],
    model: Float[Tensor, "c l d"],
    *,
    paired: bool,
    **weights: Float[Tensor, "c l"],
) -> Float[Tensor, "c n d"]:
    """V for classes of one size: in one call if the operator supports it, else class by class.

    `weights`: the `log_weights` of the samples, for an operator that supports them.
    """
    paired = paired and x.shape[1] > 1
    if abilities(drift).batched:
        return drift(kernel, x, data, model, paired=paired, **weights)
    return torch.stack([drift(kernel, *own, paired=paired) for own in zip(x, data, model, strict=True)])
