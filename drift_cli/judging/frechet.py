"""The Fréchet distance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def frechet_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> float:
    r"""The Fréchet distance (squared) of two Gaussians with the means and covariances of two samples,

    $$|\mu_x - \mu_y|^2
    + \operatorname{tr}\big(\Sigma_x + \Sigma_y - 2(\Sigma_x^{1/2}\Sigma_y\Sigma_x^{1/2})^{1/2}\big)$$

    (Dowson & Landau 1982; as a measure of images Heusel et al. 2017, there in the features of Inception). It is biased
    upwards by about the number of features over that of samples: compare at equal sizes only.
    """
    x, y = x.double(), y.double()
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    shared = torch.linalg.eigvalsh(root @ torch.cov(y.T) @ root).clamp_min(0).sqrt().sum()
    traces = x.var(dim=0).sum() + y.var(dim=0).sum()
    return float((x.mean(dim=0) - y.mean(dim=0)).square().sum() + traces - 2 * shared)
