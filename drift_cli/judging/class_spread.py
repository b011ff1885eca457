r"""How much the images of one class differ: the variance within classes over that of real images,

$$\sum_c n_c\operatorname{tr}\operatorname{Cov}[y|c] \Big/ \sum_c n_c\operatorname{tr}\operatorname{Cov}[x|c],$$

$n_c$ generated images of class c (ours). 1 at the truth, 0 for collapsed class means, below 1 with guidance.
"""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor


def class_spread(
    generated: Float[Tensor, "n d"],
    generated_classes: Int[Tensor, " n"],
    real: Float[Tensor, "m d"],
    real_classes: Int[Tensor, " m"],
) -> float | None:
    """Of features; only classes with two images of either kind count; None where there is none."""
    own = others = 0.0
    for label in generated_classes.unique():
        mine, theirs = generated[generated_classes == label].double(), real[real_classes == label].double()
        if min(len(mine), len(theirs)) > 1:
            own += len(mine) * float(mine.var(dim=0).sum())
            others += len(mine) * float(theirs.var(dim=0).sum())
    return own / others if others > 0 else None
