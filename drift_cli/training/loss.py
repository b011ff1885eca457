r"""The loss of drifting, by which paths of the drift carry gradient.

`none` is the papers' stop-gradient loss $L = \mathbb E\,|x - \mathrm{sg}(x + V)|^2$ (Turan & Ovsjanikov, eq. 5 as
reconstructed): its value is $\mathbb E|V|^2$ and its gradient $-2\,\mathbb E[J^\top V]$.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def stop_gradient_loss(x: Float[Tensor, "n d"], drift: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """Mean over the batch of |x − sg(x + V)|²; only x carries gradient."""
    target = (x + drift).detach()
    return (x - target).square().sum(dim=1).mean()
