r"""The drift at a noised query, and the direction of Distribution Matching Distillation at one noise level.

With the Gaussian kernel $V = \sigma^2(\nabla\log p_\sigma - \nabla\log q_\sigma)$. DMD moves a generated x, at one
noise level and with $\alpha = 1$, along $\mathbb E_\xi[(\nabla\log p_\sigma - \nabla\log q_\sigma)(x + \sigma\xi)]$ (as
reconstructed), which is the Wasserstein velocity of $KL(q_\sigma\,\|\,p_\sigma)$ at q:

$$v(x) = \frac1{\sigma^2}\,\mathbb E_\xi\big[V(x + \sigma\xi)\big]
= -\nabla\Big(G_\sigma * \log\frac{q_\sigma}{p_\sigma}\Big)(x)
= \frac1\sigma\,\mathbb E_\xi\Big[\xi\,\log\frac{p_\sigma}{q_\sigma}(x + \sigma\xi)\Big].$$

The first form takes drifts and the last takes log densities alone, so each checks the other. The expectations are
sums over a regular grid (the trapezoid rule), which converges exponentially for these analytic functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import KernelMean, kernel_mean
from drift_cli.kernels import Gaussian

_REACH = 12.0  # of the grid, in standard deviations: the Gaussian is 1e-31 of its height there


@dataclass(frozen=True)
class Clouds:
    """Weighted points `p` [n, d] and `q` [m, d] with normalised `log_weights`, and the bandwidth σ. float64."""

    p: Float[Tensor, "n d"]
    p_log_weights: Float[Tensor, " n"]
    q: Float[Tensor, "m d"]
    q_log_weights: Float[Tensor, " m"]
    bandwidth: float

    def drift(self, x: Float[Tensor, "k d"]) -> Float[Tensor, "k d"]:
        """V(x) with the Gaussian kernel."""
        toward_p, toward_q = self._means(x)
        return toward_p.shift - toward_q.shift

    def log_ratio(self, x: Float[Tensor, "k d"]) -> Float[Tensor, " k"]:
        """log p_σ(x)/q_σ(x)."""
        toward_p, toward_q = self._means(x)
        return toward_p.log_mass - toward_q.log_mass

    def _means(self, x: Tensor) -> tuple[KernelMean, KernelMean]:
        kernel = Gaussian(self.bandwidth)
        return (
            kernel_mean(kernel, x, self.p, log_weights=self.p_log_weights),
            kernel_mean(kernel, x, self.q, log_weights=self.q_log_weights),
        )

    def noised_drift(self, x: Float[Tensor, "k d"], nodes: int) -> Float[Tensor, "k d"]:
        """E[V(x + σξ)]/σ², with `nodes` nodes along each axis."""
        noise, weights = standard_normal(x.shape[1], nodes)
        means = [weights @ self.drift(query + self.bandwidth * noise) for query in x]
        return torch.stack(means) / self.bandwidth**2

    def dmd_direction(self, x: Float[Tensor, "k d"], nodes: int) -> Float[Tensor, "k d"]:
        """E[ξ log(p_σ/q_σ)(x + σξ)]/σ, from log densities alone."""
        noise, weights = standard_normal(x.shape[1], nodes)
        means = [(weights * self.log_ratio(query + self.bandwidth * noise)) @ noise for query in x]
        return torch.stack(means) / self.bandwidth


def standard_normal(dimension: int, nodes: int) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """Nodes and weights of the trapezoid rule for expectations under N(0, I)."""
    axis = torch.linspace(-_REACH, _REACH, nodes, dtype=torch.float64)
    points = torch.cartesian_prod(*[axis] * dimension).reshape(-1, dimension)
    return points, torch.softmax(-points.square().sum(dim=1) / 2, dim=0)


def clouds(dimension: int, points: int, bandwidth: float, generator: torch.Generator) -> Clouds:
    """Two clouds of that many points with uneven weights, of different spread and centre."""

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def log_weights() -> Tensor:
        return torch.log_softmax(draw(points), dim=0)

    return Clouds(0.5 + draw(points, dimension), log_weights(), 0.7 * draw(points, dimension), log_weights(), bandwidth)
