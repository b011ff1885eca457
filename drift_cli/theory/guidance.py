r"""Where guided drifting ends, for classes that share their modes (ours, from Deng et al.'s construction).

Guidance of strength $\alpha \ge 1$ puts $m$ unconditional data among the negatives of class c, each with the weight
$(\alpha - 1)(n - 1)/m$ together with the $n - 1$ other generated samples of weight 1. In expectation the negatives'
sums are $\alpha(n - 1)$ times those of the mixture

$$r_c = \frac{q_c + (\alpha - 1)\,p}{\alpha}, \qquad p = \sum_c \pi_c\,p_c,$$

whatever the batch, which is what the factor $n - 1$ is for; a sample that counts itself adds its own term on top, as it
does without guidance. With a Gaussian kernel of bandwidth σ the guided mean shift is
$V = \sigma^2\nabla\log(G_\sigma * p_c\,/\,G_\sigma * r_c)$: it vanishes everywhere if and only if the two smoothed
densities agree, and as smoothing by a Gaussian can be undone,

$$V = 0 \iff r_c = p_c \iff q_c = \alpha\,p_c - (\alpha - 1)\,p,$$

where that is nowhere negative. For $p_c = \sum_m w_{cm} N(\mu_m, s^2 I)$ with common modes q is of the same kind, with

$$v_{cm} = \alpha\,w_{cm} - (\alpha - 1)\sum_{c'}\pi_{c'}w_{c'm},$$

a mixture as long as $\alpha \le p_m/(p_m - w_{cm})$ wherever a class has less of a mode than the whole,
$w_{cm} < p_m = \sum_{c'}\pi_{c'}w_{c'm}$.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def guided_shares(shares: Float[Tensor, "c m"], frequencies: Float[Tensor, " c"], alpha: float) -> Float[Tensor, "c m"]:
    """$v_{cm}$: the modes' shares in each class at the guided optimum; each row sums to 1.

    `shares` are $w_{cm}$, rows that sum to 1, `frequencies` $\\pi_c$. Raises `ValueError` where α is above
    `most_guidance`, and no mixture is the optimum.
    """
    found = alpha * shares - (alpha - 1) * whole(shares, frequencies)
    if bool((found < -1e-12).any()):
        raise ValueError(f"alpha={alpha:g} is above {most_guidance(shares, frequencies):g}: a share would be negative")
    return found.clamp_min(0)


def most_guidance(shares: Float[Tensor, "c m"], frequencies: Float[Tensor, " c"]) -> float:
    """The largest α at which the guided optimum is a mixture: infinite where all classes are the same."""
    less = whole(shares, frequencies) - shares
    return float(torch.where(less > 1e-12, whole(shares, frequencies) / less, torch.inf).min())


def whole(shares: Float[Tensor, "c m"], frequencies: Float[Tensor, " c"]) -> Float[Tensor, " m"]:
    """$p_m$: the modes' shares in all data."""
    return frequencies @ shares
