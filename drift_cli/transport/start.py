r"""Where the iteration starts: the potential between the Gaussians with the clouds' means and covariances.

Between $N(m_1, A)$ and $N(m_2, B)$ the entropic plan is Gaussian and its projections are affine (Janati et al. 2020;
with our cost and ε): $T_{p\to q}(y) = m_1 + K(y - m_2)$ with

$$K = B^{-1/2}\Big(\big(B^{1/2}AB^{1/2} + \tfrac{\varepsilon^2}4 I\big)^{1/2} - \tfrac\varepsilon2 I\Big)B^{-1/2},
\qquad \nabla g(y) = y - T_{p\to q}(y).$$

Sinkhorn's slowest modes are the smooth ones, translation and spread first; these are then right from the beginning.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_MOST_DIMENSIONS = 64  # above, the eigenvectors would cost as much as an iteration
_FLAT = 1e-6  # smallest variance of B as a share of its largest plus ε


def gaussian_potential(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    a: Float[Tensor, " n"],
    b: Float[Tensor, " m"],
    epsilon: float,
) -> Float[Tensor, " m"]:
    """g at the points y, up to a constant; of many dimensions only the translation."""
    dtype = y.dtype
    x, y, a, b = x.double(), y.double(), a.double(), b.double()
    from_mean, to_mean = a @ x, b @ y
    z = y - to_mean
    g = z @ (to_mean - from_mean)
    if y.shape[1] <= _MOST_DIMENSIONS:
        variances, axes = torch.linalg.eigh((b[:, None] * z).T @ z)
        variances = variances.clamp_min(_FLAT * (epsilon + float(variances[-1])))
        root, inverse = (axes * variances.sqrt()) @ axes.T, (axes / variances.sqrt()) @ axes.T
        gaps = x - from_mean
        inner = root @ ((a[:, None] * gaps).T @ gaps) @ root
        squares, others = torch.linalg.eigh(inner)
        plan = (others * ((squares.clamp_min(0) + epsilon**2 / 4).sqrt() - epsilon / 2)) @ others.T
        slope = inverse @ plan @ inverse
        g = g + (z.square().sum(dim=1) - ((z @ slope) * z).sum(dim=1)) / 2
    return (g - g.mean()).to(dtype)
