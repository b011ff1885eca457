r"""The mean shift of any radial kernel, decomposed into a score and a covariance (Lai et al., as reconstructed).

For $k = \varphi(|x - y|)$ with $w = -\varphi'/(r\varphi)$ and weighted points y, let $\pi_x(y)$ be proportional to
$\varphi(|x - y|)$ times the weights. The score of the smoothed points is
$s = \nabla\log(k * q) = \mathbb E_\pi[w\,(y - x)]$, and

$$\mathbb E_\pi[y - x] = \mathbb E_\pi[1/w]\,s + \operatorname{Cov}_\pi\big(1/w,\ w\,(y - x)\big),$$

exactly, on samples as in population. w is constant for the Gaussian kernel alone, which then has no covariance part.
For the Laplace kernel $1/w = \tau r$ and $w\,(y - x)$ is the unit vector toward y, over τ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Weighted


@dataclass(frozen=True)
class Decomposition:
    """At queries [n, d]: `shift`, `score` and `covariance` [n, d]; `preconditioner` E[1/w], `effective` size [n]."""

    shift: Float[Tensor, "n d"]
    score: Float[Tensor, "n d"]
    covariance: Float[Tensor, "n d"]
    preconditioner: Float[Tensor, " n"]
    effective: Float[Tensor, " n"]


def decompose(
    kernel: Weighted, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], log_weights: Float[Tensor, " m"] | None = None
) -> Decomposition:
    """Every part by its own definition, query by query: no part is computed as what the others leave over.

    A point that coincides with the query has no direction from it and counts with y − x = 0.
    """
    parts = [_at(kernel, query, y, log_weights) for query in x]
    return Decomposition(*(torch.stack(column) for column in zip(*parts, strict=True)))


def _at(kernel: Weighted, query: Tensor, y: Tensor, log_weights: Tensor | None) -> tuple[Tensor, ...]:
    toward = y - query
    r = toward.norm(dim=1)
    logs = kernel.log_profile(r)
    share = torch.softmax(logs if log_weights is None else logs + log_weights, dim=0)
    weight = kernel.weight(r)
    inverse, weight = 1 / weight, torch.where(r > 0, weight, 0.0)
    mean = share @ inverse
    rows = torch.stack([share, share * weight, share * (inverse - mean) * weight])
    shift, score, covariance = rows @ toward  # E[1/w − E 1/w] = 0, so the covariance needs no second centring
    return shift, score, covariance, mean, 1 / share.square().sum()


@dataclass(frozen=True)
class Errors:
    """Largest errors over the queries, in units of the mean distance under π; `covariance` is the part's size there."""

    identity: float
    covariance: float


def check(
    kernel: Weighted, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], log_weights: Float[Tensor, " m"] | None = None
) -> Errors:
    """Hold the decomposition against a mean shift and a score that know nothing of w.

    The mean shift is the package's own kernel mean, and the score is automatic differentiation of its log mass, so a
    wrong w, a wrong score or a wrong covariance would each break the identity.
    """
    x = x.detach().requires_grad_(True)
    mean = kernel_mean(kernel, x, y, log_weights=log_weights)
    (score,) = torch.autograd.grad(mean.log_mass.sum(), x)
    shift, x = mean.shift.detach(), x.detach()
    parts = decompose(kernel, x, y, log_weights)
    unit = _mean_distance(kernel, x, y, log_weights)[:, None]
    identity = (shift - parts.preconditioner[:, None] * score - parts.covariance) / unit
    return Errors(float(identity.abs().max()), float((parts.covariance / unit).abs().max()))


def _mean_distance(kernel: Weighted, x: Tensor, y: Tensor, log_weights: Tensor | None) -> Tensor:
    r = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    logs = kernel.log_profile(r)
    return (torch.softmax(logs if log_weights is None else logs + log_weights, dim=1) * r).sum(dim=1)
