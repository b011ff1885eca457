"""The contestants of `what=paths`: functions of (x, data, τ) that return the loss's gradient at x, Laplace kernel.

The loss is that of `gradient_paths` (drift_cli/training/loss.py): with the stop-gradient, and without it along each
path. `naive` is automatic differentiation of the usual one-liner.
"""

from __future__ import annotations

import torch
from torch import Tensor

from drift_cli.drift import MeanShift
from drift_cli.kernels import Laplace
from drift_cli.training.loss import Field, loss_and_drift


def stop_gradient(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return _gradient("none", x, _ours(data, tau))


def query(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return _gradient("query", x, _ours(data, tau))


def samples(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return _gradient("samples", x, _ours(data, tau))


def both(x: Tensor, data: Tensor, tau: float) -> Tensor:
    return _gradient("both", x, _ours(data, tau))


def naive(x: Tensor, data: Tensor, tau: float) -> Tensor:
    """Of `both`. torch gives a distance of zero the derivative zero, so that no 0/0 arises on the diagonal."""

    def field(queries: Tensor, model: Tensor) -> Tensor:
        attraction = torch.softmax(-torch.cdist(queries, data) / tau, dim=1) @ data - queries
        repulsion = torch.softmax(-torch.cdist(queries, model) / tau, dim=1) @ model - queries
        return attraction - repulsion

    return _gradient("both", x, field)


def _ours(data: Tensor, tau: float) -> Field:
    operator, kernel = MeanShift("include"), Laplace(tau)
    return lambda queries, model: operator(kernel, queries, data, model, paired=True)


def _gradient(paths: str, x: Tensor, field: Field) -> Tensor:
    x = x.detach().requires_grad_(True)
    loss, _ = loss_and_drift(paths, x, field)
    return torch.autograd.grad(loss, x)[0]
