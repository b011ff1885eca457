r"""The losses of drifting, by which paths of the drift carry gradient (Turan & Ovsjanikov, eq. 16 and Theorem 5.6).

`none` is the papers' stop-gradient loss $\mathbb E\,|x - \mathrm{sg}(x + V)|^2$: its gradient is
$-2\,\mathbb E[J^\top V]$. Without the stop-gradient it becomes $\mathbb E\,|V(x_q;\,\text{data}, x_s)|^2$, which has
the same value, and x enters twice: as the query $x_q$, and as one of the samples $x_s$ of the repulsion (the feedback
of the distribution). `query`, `samples` and `both` say which of the two carries gradient; `both` is the papers' loss
without stop-gradient, as we read it. ($|x - (\mathrm{sg}(x) + V)|^2$ with V attached is another loss, and not one of
these.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]  # V(queries, model's samples), the same points twice


def loss_and_drift(paths: str, x: Float[Tensor, "n d"], field: Field) -> tuple[Float[Tensor, ""], Float[Tensor, "n d"]]:
    """The loss of `gradient_paths`, attached to x as `paths` says, and the drift V, detached."""
    if paths == "none":
        with torch.no_grad():
            still = x.detach()
            drift = field(still, still)
        return (x - (x + drift).detach()).square().sum(dim=1).mean(), drift
    query = x if paths in ("query", "both") else x.detach()
    samples = x if paths in ("samples", "both") else x.detach()
    drift = field(query, samples)
    return drift.square().sum(dim=1).mean(), drift.detach()
