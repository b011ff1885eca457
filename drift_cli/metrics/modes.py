r"""How well samples recover the weights of a Gaussian mixture's modes: the total variation

$$TV = \tfrac12\Big(\sum_m |\hat w_m - w_m| + \hat w_{\text{none}}\Big),$$

$\hat w_m$ the share of the samples whose nearest mean is $\mu_m$ and no farther than four standard deviations, $\hat
w_{\text{none}}$ the share that is of no mode: 3e-4 of the target itself in the plane. It is 0 where every mode has its
weight and 1 where no sample is on any mode.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.data.gaussian_mixture import GaussianMixture

_OF_A_MODE = 4.0  # standard deviations


def recovered(x: Float[Tensor, "n d"], mixture: GaussianMixture) -> Float[Tensor, " m"]:
    """The share of the samples on each mode."""
    distances = torch.cdist(x.double(), torch.tensor(mixture.means, dtype=torch.float64, device=x.device))
    nearest = distances.min(dim=1)
    on_one = nearest.indices[nearest.values <= _OF_A_MODE * mixture.std]
    return torch.bincount(on_one, minlength=len(mixture.means)).double() / len(x)


def total_variation(x: Float[Tensor, "n d"], mixture: GaussianMixture) -> float:
    weights = torch.tensor(mixture.weights, dtype=torch.float64, device=x.device)
    found = recovered(x, mixture)
    return float(((found - weights / weights.sum()).abs().sum() + 1 - found.sum()) / 2)
