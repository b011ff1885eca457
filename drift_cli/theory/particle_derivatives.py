r"""Derivatives of the drift of particles in each other's places, and the descent directions made of them (ours).

For particles $x_i$ and data $y_j$ let $a_{ij} \propto k(x_i, y_j)$ and $b_{ij} \propto k(x_i, x_j)$ be the kernel
weights of each row (sum 1, self included), $m^p_i = \sum_j a_{ij} y_j$ and $m_i = \sum_j b_{ij} x_j$, so that
$V_i = m^p_i - m_i$. With the kernel's $w$ of $\nabla_x k = w\,k\,(y - x)$, a particle enters V twice:

$$\frac{\partial V_i}{\partial x_i}\Big|_{\rm query} = \sum_j a_{ij}\,(y_j - m^p_i)\,w_{ij}\,(y_j - x_i)^\top
 - \sum_j b_{ij}\,(x_j - m_i)\,w_{ij}\,(x_j - x_i)^\top, \qquad
\frac{\partial V_i}{\partial x_j}\Big|_{\rm samples} = -b_{ij}\big[I - w_{ij}\,(x_j - m_i)(x_j - x_i)^\top\big].$$

For the Gaussian kernel the first is $(\mathrm{Cov}_{a_i}(y) - \mathrm{Cov}_{b_i}(x))/\sigma^2$. Where two points
coincide, $w$ times the displacement is taken as zero, also for a kernel with a cusp, as in the drift itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.drift import MeanShift
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.kernels import Kernel, Weighted

PATHS = GRADIENT_PATHS  # in the order of the settings


@dataclass(frozen=True)
class Derivatives:
    """V at the particles, ∂V_i/∂x_i through the query and ∂V_i/∂x_j through the samples (i, j, V, x)."""

    drift: Float[Tensor, "n d"]
    query: Float[Tensor, "n d d"]
    samples: Float[Tensor, "n n d d"]

    def through(self, paths: str) -> Float[Tensor, "n n d d"]:
        """∂V_i/∂x_j for all pairs, through the query (where i = j), the samples, or both."""
        by_query = torch.diag_embed(self.query.permute(1, 2, 0)).permute(2, 3, 0, 1)
        return {"query": by_query, "samples": self.samples, "both": by_query + self.samples}[paths]

    def descent(self, paths: str) -> Float[Tensor, "n d"]:
        r"""V itself for `none`; else $-\nabla\,\tfrac12\sum_i|V_i|^2$ through the query, the samples, or both."""
        if paths == "none":
            return self.drift
        by_query = -torch.einsum("ide,id->ie", self.query, self.drift)
        by_samples = -torch.einsum("ijde,id->je", self.samples, self.drift)
        return {"query": by_query, "samples": by_samples, "both": by_query + by_samples}[paths]


def derivatives(kernel: Weighted, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"]) -> Derivatives:
    """In closed form."""
    pull, _, _, pull_slope = _mean(kernel, x, data)
    push, weights, outer, push_slope = _mean(kernel, x, x)
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    samples = outer[0][..., :, None] * outer[1][..., None, :] - weights[:, :, None, None] * identity
    return Derivatives(pull - push, pull_slope - push_slope, samples)


def _mean(kernel: Weighted, x: Tensor, points: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], Tensor]:
    """m_i [n, d], the weights [n, m], the factors of weight × w (y_j − m_i)(y_j − x_i)ᵀ, and its sum ∂m_i/∂x_i."""
    away = points[None, :, :] - x[:, None, :]
    r = away.square().sum(dim=2).sqrt()
    weights = torch.softmax(kernel.log_profile(r), dim=1)
    mean = weights @ points
    slope = torch.where(r > 0, kernel.weight(torch.where(r > 0, r, 1.0)), 0.0)
    left, right = (weights * slope)[:, :, None] * (points[None] - mean[:, None]), away
    return mean, weights, (left, right), left.transpose(1, 2) @ right


def by_autograd(
    kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], paths: str
) -> Float[Tensor, "n n d d"]:
    """∂V_i/∂x_j by automatic differentiation of the drift that training uses, attached as `paths` says."""
    at = x.detach().requires_grad_()
    query, samples = (at if paths in (path, "both") else x.detach() for path in ("query", "samples"))
    drift = MeanShift("include")(kernel, query, data, samples, paired=True)
    rows = [torch.autograd.grad(part, at, retain_graph=True)[0] for part in drift.flatten()]
    return torch.stack(rows).reshape(*x.shape, *x.shape).transpose(1, 2)
