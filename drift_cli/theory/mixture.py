r"""Isotropic Gaussian mixtures, whose smoothing, score and mean shift are closed.

For $p = \sum_m w_m N(\mu_m, s_m^2 I)$ and a Gaussian kernel of bandwidth $\sigma$, with $S_m^2 = s_m^2 + \sigma^2$ the
inflated variances and $\rho_m(x) \propto w_m S_m^{-d} e^{-|x - \mu_m|^2/2S_m^2}$ the responsibilities
(Turan & Ovsjanikov, eq. 35, as reconstructed):

$$\nabla\log p_\sigma(x) = \sum_m \rho_m(x)\,\frac{\mu_m - x}{S_m^2}.$$
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor


@dataclass(frozen=True)
class GaussianMixture:
    """`weights` [m] sum to 1, `means` [m, d], `variances` [m] of the components. float64 throughout."""

    weights: Float[Tensor, " m"]
    means: Float[Tensor, "m d"]
    variances: Float[Tensor, " m"]

    @property
    def dimension(self) -> int:
        """d."""
        return self.means.shape[1]

    def smoothed(self, bandwidth: float) -> GaussianMixture:
        """p * N(0, σ²I): the same mixture with inflated variances."""
        return GaussianMixture(self.weights, self.means, self.variances + bandwidth**2)

    def sample(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n independent draws."""
        component = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.dimension, generator=generator, dtype=torch.float64)
        return self.means[component] + self.variances[component].sqrt()[:, None] * noise

    def log_density(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        r"""$\log\sum_mw_m\,N(x; \mu_m, s_m^2I)$."""
        return torch.logsumexp(self._log_terms(x), dim=1)

    def score(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        r"""$\nabla\log p(x) = \sum_m\rho_m(x)\,(\mu_m - x)/s_m^2$."""
        toward = (self.means - x[:, None, :]) / self.variances[:, None]
        return (self.responsibilities(x)[:, :, None] * toward).sum(dim=1)

    def responsibilities(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        r"""$\rho_m(x) = w_m\,N(x; \mu_m, s_m^2I)/p(x)$: each row sums to 1."""
        return torch.softmax(self._log_terms(x), dim=1)

    def _log_terms(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        squared = (x[:, None, :] - self.means).square().sum(dim=2)
        normalising = self.dimension / 2 * (2 * math.pi * self.variances).log()
        return self.weights.log() - normalising - squared / (2 * self.variances)


def ring(modes: int, radius: float, deviation: float, dimension: int = 2) -> GaussianMixture:
    """Equal modes on a circle of the first two axes."""
    angles = 2 * math.pi * torch.arange(modes, dtype=torch.float64) / modes
    means = torch.zeros(modes, dimension, dtype=torch.float64)
    means[:, 0] = radius * angles.cos()
    if dimension > 1:
        means[:, 1] = radius * angles.sin()
    return GaussianMixture(
        torch.full((modes,), 1 / modes, dtype=torch.float64),
        means,
        torch.full((modes,), deviation**2, dtype=torch.float64),
    )


def normal(dimension: int, deviation: float = 1.0) -> GaussianMixture:
    """N(0, s²I)."""
    one = torch.ones(1, dtype=torch.float64)
    return GaussianMixture(one, torch.zeros(1, dimension, dtype=torch.float64), deviation**2 * one)


def mean_shift(p: GaussianMixture, bandwidth: float, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    r"""$M_p(x) = \int k(x, y)(y - x)\,p(y)\,dy \big/ \int k(x, y)\,p(y)\,dy$ for the Gaussian kernel.

    Under the weights k(x, y) p(y) the component m has responsibility ρ_m (of the smoothed mixture) and mean
    $(\sigma^2\mu_m + s_m^2 x)/(s_m^2 + \sigma^2)$ by conjugacy. No score is used.
    """
    centres, _ = posterior(p, bandwidth, x)
    return (p.smoothed(bandwidth).responsibilities(x)[:, :, None] * centres).sum(dim=1) - x


def posterior(
    p: GaussianMixture, bandwidth: float, x: Float[Tensor, "n d"]
) -> tuple[Float[Tensor, "n m d"], Float[Tensor, " m"]]:
    """Means [n, m, d] and variances [m] of the components under the weights k(x, y) p(y)."""
    inflated = p.variances + bandwidth**2
    ours, theirs = bandwidth**2 / inflated, p.variances / inflated
    return ours[:, None] * p.means + theirs[:, None] * x[:, None, :], p.variances * bandwidth**2 / inflated


def drift(p: GaussianMixture, q: GaussianMixture, bandwidth: float, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    r"""$V_{p,q} = \sigma^2(\nabla\log p_\sigma - \nabla\log q_\sigma)$ (Theorem 4.1)."""
    return bandwidth**2 * (p.smoothed(bandwidth).score(x) - q.smoothed(bandwidth).score(x))
