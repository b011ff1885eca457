r"""Does $F_\sigma$ fall along the drift? (Ours.) All on a line.

Along a field w it changes as $dF/dt = -\frac1N\sum_i w(x_i)\cdot v(x_i)$: that is $-\|v\|^2$ along $v$, and
$-\int q\,u\cdot(G_\sigma * u)$ along $u = V/\sigma^2$, which has no sign: smoothing may turn a velocity round. It does
where the field changes sign within a bandwidth, as between two modes of very unequal weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import quad, solve_ivp
from torch import Generator, Tensor

from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.noised_query import standard_normal
from drift_cli.theory.smoothed_kl import Field


def two_modes(rare: float, distance: float, deviation: float) -> GaussianMixture:
    """A mode of weight 1 − rare at −distance and one of weight rare at distance."""
    return GaussianMixture(
        torch.tensor([1 - rare, rare], dtype=torch.float64),
        torch.tensor([[-distance], [distance]], dtype=torch.float64),
        torch.full((2,), deviation**2, dtype=torch.float64),
    )


def change(along: Float[Tensor, "n 1"], velocity: Float[Tensor, "n 1"]) -> float:
    r"""$dF_\sigma/dt = -\langle w, v\rangle_q = -\frac1n\sum_iw_iv_i$ of particles that move along w = `along`."""
    return -float((along * velocity).mean())


def quadrature_energy(p: GaussianMixture, bandwidth: float, x: np.ndarray) -> float:
    """F_σ of particles x [n] by adaptive Gauss–Kronrod quadrature, with densities written out here: a check."""
    weights, means = p.weights.numpy(), p.means[:, 0].numpy()
    deviations = np.sqrt(p.variances.numpy() + bandwidth**2)

    def log_density(z: float, at: np.ndarray, width: np.ndarray | float, share: np.ndarray | float) -> float:
        terms = np.log(share) - 0.5 * ((z - at) / width) ** 2 - np.log(np.sqrt(2 * np.pi) * width)
        return float(np.logaddexp.reduce(terms))

    def integrand(z: float) -> float:
        log_q = log_density(z, x, bandwidth, 1 / len(x))
        return math.exp(log_q) * (log_q - log_density(z, means, deviations, weights))

    low, high = float(x.min()) - 12 * bandwidth, float(x.max()) + 12 * bandwidth
    value, _ = quad(integrand, low, high, epsabs=1e-13, epsrel=1e-13, limit=500)
    return float(value)


def follow(field: Field, start: Float[Tensor, " n"], times: np.ndarray, tolerance: float = 1e-10) -> Tensor:
    """The particles [times, n] that move with the field from `start` at the first time, by a method of order 8."""

    def right(_: float, x: np.ndarray) -> np.ndarray:
        return field(torch.from_numpy(x)[:, None])[:, 0].numpy()

    found = solve_ivp(right, (times[0], times[-1]), start.numpy(), "DOP853", times, rtol=tolerance, atol=tolerance)
    return torch.from_numpy(found.y.T.copy())


def noised_paths(
    p: GaussianMixture, bandwidth: float, start: float, runs: int, draws: int, step: float, steps: int, g: Generator
) -> Float[Tensor, "runs t"]:
    """Single particles that each move by `step` times the mean of u at `draws` noised queries; runs independent.

    u belongs to q = δ_x, whose smoothed score at x + σξ is −ξ/σ.
    """
    inflated, x = p.smoothed(bandwidth), torch.full((runs,), start, dtype=torch.float64)
    path = [x]
    for _ in range(steps):
        noise = torch.randn(runs, draws, generator=g, dtype=torch.float64)
        queries = x[:, None] + bandwidth * noise
        u = inflated.score(queries.reshape(-1, 1)).reshape(runs, draws) + noise / bandwidth
        x = x + step * u.mean(dim=1)
        path.append(x)
    return torch.stack(path, dim=1)


@dataclass(frozen=True)
class Configurations:
    """m problems on a line, σ = 1 being the unit of length: particles [m, n] and a target of two modes each.

    `rare` [m], `centres` [m, 2] and `deviations` [m] of the modes.
    """

    particles: Float[Tensor, "m n"]
    rare: Float[Tensor, " m"]
    centres: Float[Tensor, "m 2"]
    deviations: Float[Tensor, " m"]

    def drift(self, z: Float[Tensor, "m k"]) -> Float[Tensor, "m k"]:
        """u(z), each row in its own problem."""
        variance = 1 + self.deviations.square()[:, None, None]
        toward_p = self.centres[:, None, :] - z[:, :, None]
        shares = torch.stack([(1 - self.rare).log(), self.rare.log()], dim=1)[:, None, :]
        rho_p = torch.softmax(shares - toward_p.square() / (2 * variance), dim=2)
        toward_q = self.particles[:, None, :] - z[:, :, None]
        rho_q = torch.softmax(-toward_q.square() / 2, dim=2)
        return (rho_p * toward_p / variance).sum(dim=2) - (rho_q * toward_q).sum(dim=2)

    def agreement(self, nodes: int) -> Float[Tensor, " m"]:
        r"""$2\langle u, v\rangle_q/(\|u\|_q^2 + \|v\|_q^2)$: 1 where u = v.

        F_σ rises along the drift where it is negative. A cosine would say so too, but of a single particle it is ±1 and
        has no slope to climb.
        """
        noise, weights = standard_normal(1, nodes)
        m, n = self.particles.shape
        queries = (self.particles[:, :, None] + noise[:, 0]).reshape(m, -1)
        v = self.drift(queries).reshape(m, n, -1) @ weights
        u = self.drift(self.particles)
        return 2 * (u * v).sum(dim=1) / (u.square() + v.square()).sum(dim=1)


def random_configurations(count: int, particles: int, generator: Generator) -> Configurations:
    """Modes at ±1 to ±5, deviations 0.05 to 1, rare weights 0.001 to 0.5 (log-uniform); particles within [−6, 6]."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    distance = uniform(1, 5, count)
    return Configurations(
        uniform(-6, 6, count, particles),
        uniform(math.log(1e-3), math.log(0.5), count).exp(),
        torch.stack([-distance, distance], dim=1),
        uniform(math.log(0.05), 0, count).exp(),
    )


def ascend(found: Configurations, steps: int, rate: float, nodes: int) -> Float[Tensor, " m"]:
    """The least agreement that Adam finds by moving the particles alone."""
    particles = found.particles.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([particles], lr=rate)
    least = torch.full((len(particles),), math.inf, dtype=torch.float64)
    for _ in range(steps):
        moved = Configurations(particles, found.rare, found.centres, found.deviations)
        agreement = moved.agreement(nodes)
        least = torch.minimum(least, agreement.detach())
        optimiser.zero_grad()
        agreement.sum().backward()
        optimiser.step()
    return least
