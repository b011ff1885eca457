r"""The smoothed divergence $F_\sigma(q) = KL(q_\sigma\,\|\,p_\sigma)$ of particles from a mixture, and its velocity.

With $q = \frac1N\sum_i\delta_{x_i}$ and $u = V/\sigma^2 = \nabla\log p_\sigma - \nabla\log q_\sigma$ the drift in
units of a velocity (Turan & Ovsjanikov, Prop. 5.5, App. E.1, as reconstructed),

$$\frac{\delta F_\sigma}{\delta q} = G_\sigma * \log\frac{q_\sigma}{p_\sigma} + \text{const},\qquad
v = -\nabla\frac{\delta F_\sigma}{\delta q} = G_\sigma * u,\qquad -N\,\partial_{x_i}F_\sigma = v(x_i).$$

The energy is a sum over a regular grid (the trapezoid rule, exponentially exact here) of densities alone; the velocity
is an average of drifts over noised queries. Neither uses the other, so each checks the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian
from drift_cli.theory import mixture
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.noised_query import standard_normal

_REACH = 10.0  # of the energy's grid beyond all particles and modes, in bandwidths: the Gaussian is e^{−50} there
_NOISE_REACH = 12  # of `standard_normal`, in standard deviations

Field = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]


@dataclass(frozen=True)
class SmoothedKL:
    """F_σ on a grid [m, d] of cells of that volume; `log_p` [m] is log p_σ there. float64."""

    bandwidth: float
    grid: Float[Tensor, "m d"]
    cell: float
    log_p: Float[Tensor, " m"]

    def energy(self, x: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        """KL(q_σ ‖ p_σ), differentiable in x."""
        return self._divergence(self._log_q(x))

    def of_density(self, q: GaussianMixture) -> Float[Tensor, ""]:
        """KL(q_σ ‖ p_σ) of a mixture, which the grid must cover."""
        return self._divergence(q.smoothed(self.bandwidth).log_density(self.grid))

    @property
    def domain(self) -> tuple[float, float]:
        """On a line: from the least to the greatest of the places that the grid was made to cover."""
        reach = _REACH * self.bandwidth
        return float(self.grid[0, 0]) + reach, float(self.grid[-1, 0]) - reach

    def first_variation(self, x: Float[Tensor, "n d"], at: Float[Tensor, "k d"]) -> Float[Tensor, " k"]:
        """δF/δq of the particles x at places that the grid covers, up to a constant."""
        return self.cell * (self.log_kernel(at).exp() @ (self._log_q(x) - self.log_p))

    def velocity(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """−N ∂F/∂x_i, by automatic differentiation of the energy."""
        x = x.detach().clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(self.energy(x), x)
        return -len(x) * slope

    def log_kernel(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """log G_σ(z − x_i) for every particle and node."""
        squared = (self.grid - x[:, None, :]).square().sum(dim=2)
        normalising = x.shape[1] / 2 * math.log(2 * math.pi * self.bandwidth**2)
        return -squared / (2 * self.bandwidth**2) - normalising

    def _log_q(self, x: Tensor) -> Tensor:
        return torch.logsumexp(self.log_kernel(x), dim=0) - math.log(len(x))

    def _divergence(self, log_q: Tensor) -> Tensor:
        return self.cell * (log_q.exp() * (log_q - self.log_p)).sum()


def smoothed_kl(p: GaussianMixture, bandwidth: float, x: Float[Tensor, "n d"], nodes: int) -> SmoothedKL:
    """F_σ on a grid of `nodes` to the bandwidth that covers the particles x, the modes and what lies between them."""
    spread = 4 * p.variances.sqrt()[:, None]
    everything = torch.cat([x.detach(), p.means - spread, p.means + spread])
    low, high = everything.amin(dim=0) - _REACH * bandwidth, everything.amax(dim=0) + _REACH * bandwidth
    step = bandwidth / nodes
    axes = [torch.arange(float(a), float(b), step, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    grid = torch.cartesian_prod(*axes).reshape(-1, p.dimension)
    return SmoothedKL(bandwidth, grid, step**p.dimension, p.smoothed(bandwidth).log_density(grid))


def drift_velocity(
    p: GaussianMixture, bandwidth: float, particles: Float[Tensor, "n d"], x: Float[Tensor, "k d"]
) -> Float[Tensor, "k d"]:
    """u(x) = V(x)/σ², the mean shift toward the mixture less that toward the particles (each counts itself)."""
    toward_q = kernel_mean(Gaussian(bandwidth), x, particles).shift
    return (mixture.mean_shift(p, bandwidth, x) - toward_q) / bandwidth**2


def noised_velocity(
    p: GaussianMixture, bandwidth: float, particles: Float[Tensor, "n d"], x: Float[Tensor, "k d"], nodes: int
) -> Float[Tensor, "k d"]:
    """v(x) = E u(x + σξ), summed over a grid of `nodes` to the bandwidth along each axis."""
    return smoothed(lambda z: drift_velocity(p, bandwidth, particles, z), bandwidth, x, nodes)


def smoothed(field: Field, bandwidth: float, x: Float[Tensor, "k d"], nodes: int) -> Float[Tensor, "k d"]:
    """G_σ * field at x."""
    noise, weights = standard_normal(x.shape[1], 2 * _NOISE_REACH * nodes + 1)
    return torch.stack([weights @ field(query + bandwidth * noise) for query in x])


def sampled_velocity(
    field: Field, bandwidth: float, x: Float[Tensor, "k d"], draws: int, generator: torch.Generator
) -> tuple[Float[Tensor, "k d"], Float[Tensor, "k d"]]:
    """E field(x + σξ) from that many draws of ξ, as in training, and its standard error."""
    noise = torch.randn(len(x), draws, x.shape[1], generator=generator, dtype=torch.float64)
    queries = x[:, None, :] + bandwidth * noise
    values = field(queries.reshape(-1, x.shape[1])).reshape(queries.shape)
    return values.mean(dim=1), values.std(dim=1) / draws**0.5


@dataclass(frozen=True)
class Gap:
    r"""v − u between densities p and q, in one dimension: `sup` of it, its L²(q) norm, that relative to the norm of u.

    `bound` is σ²/2 sup|u''|, which sup may not exceed (Prop. E.1, as reconstructed). `slope` is sup|u'|, which is
    $\|\nabla^2\log(q_\sigma/p_\sigma)\|_\infty$.
    """

    sup: float
    norm: float
    relative: float
    bound: float
    slope: float


def gap(p: GaussianMixture, q: GaussianMixture, bandwidth: float, x: Float[Tensor, "k 1"], nodes: int) -> Gap:
    """The gap over the regular grid x."""

    def field(z: Tensor) -> Tensor:
        return p.smoothed(bandwidth).score(z) - q.smoothed(bandwidth).score(z)

    u = field(x)
    apart = smoothed(field, bandwidth, x, nodes) - u
    weights = torch.softmax(q.log_density(x), dim=0)
    norm, unit = ((weights @ each.square()).sqrt() for each in (apart, u))
    first, second = derivatives(field, x)
    bound = bandwidth**2 / 2 * second.abs().max()
    slope = float(first.abs().max())
    return Gap(float(apart.abs().max()), float(norm), float(norm / unit), float(bound), slope)


def derivatives(field: Field, x: Float[Tensor, "k 1"]) -> tuple[Float[Tensor, "k 1"], Float[Tensor, "k 1"]]:
    """The first and the second one of a field on a line, at every row of x, by automatic differentiation."""
    x = x.detach().clone().requires_grad_(True)
    (first,) = torch.autograd.grad(field(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return first.detach(), second
