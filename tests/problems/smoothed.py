"""Scores of smoothed empirical measures by autograd of a log density: independent of how the drift is computed."""

from __future__ import annotations

import torch
from torch import Tensor


def kde_score(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    """∇ log Σ_j exp(−|x − y_j|²/2σ²) at every row of x."""
    x = x.detach().requires_grad_(True)
    squared = (x[:, None, :] - points[None, :, :]).square().sum(dim=2)
    torch.logsumexp(-squared / (2 * sigma**2), dim=1).sum().backward()
    assert x.grad is not None
    return x.grad
