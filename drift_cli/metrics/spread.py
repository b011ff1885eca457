r"""The spread of a sample, its root mean square distance from its mean; and what counts as collapsed."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

COLLAPSED = 0.02  # a spread below this share of the target's is (nearly) one point


def spread(x: Float[Tensor, "n d"]) -> float:
    r"""$\sqrt{\operatorname{mean}_i|x_i - \bar x|^2}$, a length."""
    return float((x - x.mean(dim=0)).square().sum(dim=1).mean().sqrt())


def is_collapsed(x: Float[Tensor, "n d"], target_spread: float) -> bool:
    """Whether the spread is a small share (`COLLAPSED`) of the target's."""
    return spread(x) < COLLAPSED * target_spread
