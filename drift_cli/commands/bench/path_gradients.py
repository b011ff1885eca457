"""The gradients of `what=paths` in float64, by automatic differentiation of the dense formula."""

from __future__ import annotations

import torch
from torch import Tensor

_ROWS = 512  # queries at once, so that their few arrays fit in memory


def path_gradients(x: Tensor, data: Tensor, tau: float) -> dict[str, Tensor]:
    """By contestant, each [n, d], for x [n, d] and data [m, d].

    The loss (1/n) Σ_i |V_i|² is a sum over the queries, and enters through x_i and through the samples: `both` is the
    sum of the two gradients. With the stop-gradient it is −2 V/n. Two points in one place do not move each other.
    """
    x, data = x.double(), data.double()
    stopped, query, samples = torch.empty_like(x), torch.empty_like(x), torch.zeros_like(x)
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        queries, model = x[rows].detach().requires_grad_(True), x.detach().requires_grad_(True)
        drift = _mean(queries, data, tau) - _mean(queries, model, tau)
        stopped[rows] = -2 * drift.detach() / len(x)
        query[rows], others = torch.autograd.grad(drift.square().sum() / len(x), (queries, model))
        samples += others
    both = query + samples
    return {"stop-gradient": stopped, "query": query, "samples": samples, "both": both, "naive": both}


def _mean(queries: Tensor, points: Tensor, tau: float) -> Tensor:
    distances = torch.cdist(queries, points, compute_mode="donot_use_mm_for_euclid_dist")  # exact zeros
    return torch.softmax(-distances / tau, dim=1) @ points
