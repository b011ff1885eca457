r"""An entropic coupling, represented as a function: the potential on its columns determines it.

For measures $q = \sum_i a_i\delta_{x_i}$ and $p = \sum_j b_j\delta_{y_j}$ and the cost $c = \tfrac12|x - y|^2$,

$$OT_\varepsilon(q, p) = \min_\pi \int c\,d\pi + \varepsilon\,\mathrm{KL}(\pi\,\|\,q\otimes p),
\qquad \pi_{ij} = a_i b_j\,e^{(f_i + g_j - c_{ij})/\varepsilon}.$$

Given g, the rows have the right sums with

$$f(x) = -\varepsilon\log\sum_j b_j\,e^{(g_j - c(x, y_j))/\varepsilon},$$

which is the log mass of a Gaussian kernel of bandwidth $\sqrt\varepsilon$ with weights $b_j e^{g_j/\varepsilon}$; the
barycentric projection $T(x) = \sum_j \pi_{ij} y_j / a_i$ is the mean of the same weights. Both are defined everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import kernel_mean, log_masses
from drift_cli.kernels import Gaussian


@dataclass(frozen=True)
class Coupling:
    """`potential` g [m] on the columns `points` [m, d] of weights e^`log_weights`; the rows are exact by construction.

    `marginal_error` is the L1 error of the columns, Σ_j |Σ_i π_ij − b_j|, found after so many `iterations`; the last
    update came after it was measured, and does not make it larger.
    """

    points: Float[Tensor, "m d"]
    potential: Float[Tensor, " m"]
    log_weights: Float[Tensor, " m"]
    epsilon: float
    iterations: int
    marginal_error: float

    def row_potential(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """f at any points."""
        return row_potential(x, self.points, self.potential, self.log_weights, self.epsilon)

    def shift(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """T(x) − x at any points."""
        log_weights = self.log_weights + self.potential / self.epsilon
        return kernel_mean(Gaussian(math.sqrt(self.epsilon)), x, self.points, log_weights=log_weights).shift


def row_potential(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    g: Float[Tensor, " m"],
    log_b: Float[Tensor, " m"],
    epsilon: float,
) -> Float[Tensor, " n"]:
    """Half an iteration: f(x) = −ε log Σ_j b_j exp((g_j − c(x, y_j))/ε)."""
    kernel = Gaussian(math.sqrt(epsilon))
    return -epsilon * log_masses(kernel, (1.0,), x, y, log_weights=log_b + g / epsilon)[0]
