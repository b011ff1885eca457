r"""The two limits of the training step's particles on a line (Turan & Ovsjanikov, §4.3, B.1, as reconstructed).

The step $x_i \leftarrow x_i + \eta V[q_N](x_i)$, with $q_N$ the empirical measure of the particles (so that each counts
itself), is Euler's method for $\dot x_i = V[q_N](x_i)$ (eq. 7); and as N grows $q_N$ tends to the solution of the
continuity equation $\partial_t q = -\nabla\cdot(q\,V[q])$ (eq. 8) from the law that the particles are drawn from.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from scipy.stats import wasserstein_distance
from torch import Tensor

from drift_cli.theory import mixture
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import Field, drift_velocity


def drift_field(p: GaussianMixture, bandwidth: float) -> Field:
    r"""$V = \sigma^2u$ of particles [n, 1], at themselves."""
    return lambda x: bandwidth**2 * drift_velocity(p, bandwidth, x, x)


def attraction(p: GaussianMixture, bandwidth: float) -> Field:
    """M_p, the mean shift toward the target alone: particles that do not repel one another."""
    return lambda x: mixture.mean_shift(p, bandwidth, x)


def steps(field: Field, x: Float[Tensor, " n"], eta: float) -> Iterator[Float[Tensor, " n"]]:
    """The particles after one, two, … Euler steps x ← x + ηV, without end."""
    while True:
        x = x + eta * field(x[:, None])[:, 0]
        yield x


def off_the_path(field: Field, path: Float[Tensor, "t n"], horizon: float, count: int) -> float:
    """The farthest that `count` steps over the horizon take a particle from the path, at the path's equal times.

    The path begins at time 0, and the number of its intervals divides `count`.
    """
    every = count // (len(path) - 1)
    moving = steps(field, path[0], horizon / count)
    found = torch.stack([next(moving) for _ in range(count)])[every - 1 :: every]
    return float((found - path[1:]).abs().max())


def law_distance(x: Float[Tensor, " n"], y: Float[Tensor, " m"]) -> float:
    """W₁ between the empirical measures of two sets of points on a line, of any two sizes."""
    return float(wasserstein_distance(x.numpy(), y.numpy()))
