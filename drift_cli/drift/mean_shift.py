r"""The mean-shift drift (Deng et al.; Turan & Ovsjanikov, eq. 4 as reconstructed):

$$V(x) = \frac{\sum_j k(x, y_j)\,y_j}{\sum_j k(x, y_j)} - \frac{\sum_l k(x, x_l)\,x_l}{\sum_l k(x, x_l)}.$$

With a Gaussian kernel of bandwidth $\sigma$ it equals $\sigma^2(\nabla\log p_\sigma - \nabla\log q_\sigma)$ for the
smoothed empirical measures. A query that counts itself (`include`) repels itself less by the share of its own
weight: biased toward contraction, stable. Leaving it out (`exclude`) is unbiased at q = p and pushes outliers
away from their nearest neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class MeanShift:
    self_term: str

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        attraction = kernel_mean(kernel, x, data)
        repulsion = kernel_mean(kernel, x, model, exclude_diagonal=paired and self.self_term == "exclude")
        return attraction.mean - repulsion.mean
