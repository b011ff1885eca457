r"""Anderson acceleration of a fixed-point iteration $g \leftarrow G(g)$ (Anderson 1965; Walker & Ni 2011, type II).

From the last values $G(g_k)$ and residuals $r_k = G(g_k) - g_k$ the next iterate is the affine combination of the
values whose residuals cancel best. Where $G$ is nearly linear and symmetric, as Sinkhorn's iteration is near its end,
this goes like conjugate gradients: a rate of $1 - \delta$ becomes about $1 - 2\sqrt\delta$.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

_WINDOW = 8  # residuals kept
_WORSE = 2.0  # an error this much above the best one undoes the step that led to it
_RIDGE = 1e-10  # of the trace: residuals that have become parallel


class Anderson:
    """Fed G(g) for each iterate g, gives the next one; goes back to the best value when the error jumps."""

    def __init__(self) -> None:
        self.values: list[Tensor] = []
        self.residuals: list[Tensor] = []
        self.best: Tensor | None = None
        self.best_error = math.inf

    def next(self, g: Float[Tensor, " m"], value: Float[Tensor, " m"], error: float) -> Float[Tensor, " m"]:
        """The iterate after g, whose value is G(g) and whose error was `error`."""
        if not error <= _WORSE * self.best_error and self.best is not None:
            self.values, self.residuals = [], []
            return self.best
        if error < self.best_error:
            self.best, self.best_error = value, error
        residual = value - g
        self.values = [*self.values[1 - _WINDOW :], value]
        self.residuals = [*self.residuals[1 - _WINDOW :], residual - residual.mean()]
        if len(self.residuals) == 1:
            return value
        residuals, values = torch.stack(self.residuals).double(), torch.stack(self.values).double()
        gaps = residuals[-1] - residuals[:-1]
        normal = gaps @ gaps.T
        normal.diagonal().add_(_RIDGE * normal.trace() + torch.finfo(torch.float64).tiny)
        shares: Tensor = torch.linalg.solve(normal, gaps @ residuals[-1])
        return (values[-1] - shares @ (values[-1] - values[:-1])).to(g.dtype)
