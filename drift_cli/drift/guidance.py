r"""Classifier-free guidance in the drift (Deng et al.): data of all classes among the negatives of each.

In a class with n generated samples, the m unconditional points get the weight $(\alpha - 1)(n - 1)/m$ each, so that the
negatives are in expectation α(n − 1) draws of $(q_c + (\alpha - 1)p)/\alpha$. For the equilibrium see
`theory/guidance.py`.

A generator with α as an input learns all strengths at once: α is drawn for each class at every step, with a density
that falls as a power of α (Deng et al.: from 1 to 4, power 3), and the strength is chosen at sampling time.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor


def drawn_strengths(n: int, low: float, high: float, power: float, generator: Generator) -> Float[Tensor, " n"]:
    r"""n strengths with the density ∝ $\alpha^{-p}$ on [low, high], from the inverse of its distribution function."""
    u = torch.rand(n, generator=generator, device=generator.device, dtype=torch.float64)
    if power == 1:
        return low * (high / low) ** u
    ends: tuple[float, float] = low ** (1 - power), high ** (1 - power)
    return (ends[0] + u * (ends[1] - ends[0])) ** (1 / (1 - power))


def with_unconditional(
    model: Float[Tensor, "c n d"], unconditional: Float[Tensor, "m d"], alpha: Float[Tensor, " c"]
) -> tuple[Float[Tensor, "c k d"], Float[Tensor, "c k"]]:
    """The samples of each class followed by the unconditional points, and the log weights of all; α above 1."""
    classes, n, _ = model.shape
    m = len(unconditional)
    own = ((alpha - 1) * ((n - 1) / m)).log()[:, None].expand(-1, m)
    points = torch.cat([model, unconditional.expand(classes, -1, -1)], dim=1)
    return points, torch.cat([model.new_zeros(classes, n), own], dim=1)
