r"""How well samples recover the weights of a Gaussian mixture's modes: the total variation

$$TV = \tfrac12\Big(\sum_m |\hat w_m - w_m| + \hat w_{\text{none}}\Big),$$

$\hat w_m$ the share of the samples whose nearest mean is $\mu_m$ and within $r_d s$, $\hat w_{\text{none}}$ the share
that is of no mode. The radius is a quantile of the χ distribution of the dimension, $P[\chi_d > r_d] =
e^{-8}$: four standard deviations in the plane, 8.2 at d = 32, 18.4 at d = 256, so that 3e-4 of the target itself is of
no mode whatever the dimension. TV is 0 where every mode has its weight and 1 where no sample is on any mode.

Shares say nothing about how the samples lie on a mode. There the covariances $C_m$ of the samples on it do:

$$\text{variance} = \sum_m\hat w_m\frac{\operatorname{tr}C_m}{ds^2}\Big/\sum_m\hat w_m, \qquad
\text{error} = \sum_m\hat w_m\frac{|C_m/s^2 - I|_F}{\sqrt d}\Big/\sum_m\hat w_m$$

(ours). At the truth the first is 1 and the second near $\sqrt{(d + 1)/n_m}$ of $n_m$ samples; contracted modes have
the first below and the second above that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy.stats import chi
from torch import Tensor

from drift_cli.data.gaussian_mixture import GaussianMixture

_OF_NO_MODE = math.exp(-8)  # of the target itself


@dataclass(frozen=True)
class WithinModes:
    """Means over the modes that have two samples at least, by their share."""

    variance: float
    covariance_error: float


def mode_radius(dimension: int) -> float:
    """In standard deviations: farther from its mean is e⁻⁸ of a mode."""
    return 4.0 if dimension == 2 else float(chi.isf(_OF_NO_MODE, dimension))  # in the plane to the last bit


def recovered(x: Float[Tensor, "n d"], mixture: GaussianMixture) -> Float[Tensor, " m"]:
    """The share of the samples on each mode."""
    modes = _mode_of(x, mixture)
    return torch.bincount(modes[modes >= 0], minlength=len(mixture.means)).double() / len(x)


def total_variation(x: Float[Tensor, "n d"], mixture: GaussianMixture) -> float:
    """TV of the shares of the samples, from 0 to 1; the mixture's weights are normalised first."""
    weights = torch.tensor(mixture.weights, dtype=torch.float64, device=x.device)
    found = recovered(x, mixture)
    return float(((found - weights / weights.sum()).abs().sum() + 1 - found.sum()) / 2)


def within_modes(x: Float[Tensor, "n d"], mixture: GaussianMixture) -> WithinModes | None:
    """How the samples lie on their modes; None where no mode has two of them."""
    modes, weight, variance, error = _mode_of(x, mixture), 0, 0.0, 0.0
    for mode in range(len(mixture.means)):
        own = x[modes == mode].double()
        if len(own) > 1:
            covariance = torch.cov(own.T).reshape(x.shape[1], x.shape[1]) / mixture.std**2
            weight += len(own)
            variance += len(own) * float(covariance.trace()) / x.shape[1]
            covariance -= torch.eye(x.shape[1], dtype=torch.float64, device=x.device)
            error += len(own) * float(covariance.norm()) / math.sqrt(x.shape[1])
    return WithinModes(variance / weight, error / weight) if weight else None


def _mode_of(x: Tensor, mixture: GaussianMixture) -> Int[Tensor, " n"]:
    """The mode of each sample, −1 for none."""
    distances = torch.cdist(x.double(), torch.tensor(mixture.means, dtype=torch.float64, device=x.device))
    nearest = distances.min(dim=1)
    return nearest.indices.where(nearest.values <= mode_radius(x.shape[1]) * mixture.std, -1)
