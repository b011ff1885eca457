r"""Classifier-free guidance in the drift (Deng et al.): data of all classes among the negatives of each.

Of a class with n generated samples the m unconditional points get the weight $(\alpha - 1)(n - 1)/m$ each, so that the
negatives are in expectation α(n − 1) draws of $(q_c + (\alpha - 1)p)/\alpha$. Where that ends is in
`theory/guidance.py`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def with_unconditional(
    model: Float[Tensor, "c n d"], unconditional: Float[Tensor, "m d"], alpha: Float[Tensor, " c"]
) -> tuple[Float[Tensor, "c k d"], Float[Tensor, "c k"]]:
    """The samples of each class with the unconditional points behind them, and the log weights of all; α above 1."""
    classes, n, _ = model.shape
    m = len(unconditional)
    own = ((alpha - 1) * ((n - 1) / m)).log()[:, None].expand(-1, m)
    points = torch.cat([model, unconditional.expand(classes, -1, -1)], dim=1)
    return points, torch.cat([model.new_zeros(classes, n), own], dim=1)
