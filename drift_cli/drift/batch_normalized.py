r"""The doubly normalised drift of Deng et al.'s toy code.

Queries $x_i$ against the batch $t = [x_l, y_j]$, $K_{ij} = k(x_i, t_j)$, row sums $R_i$ over the whole batch,
column sums $C_j$ over the queries, $\tilde K_{ij} = K_{ij}/\sqrt{R_i C_j}$ with blocks $a$ (data) and $b$ (model):

$$V_i = \sum_{j,l} a_{ij}\,b_{il}\,(y_j - x_l) = A_i B_i\,(\bar y_i - \bar x_i),
\qquad A_i = \sum_j a_{ij},\; B_i = \sum_l b_{il}.$$

So it is a mean-shift difference between the reweighted measures $p/\sqrt C$ and $q/\sqrt C$, times the gain
$A_i B_i$, which vanishes far from the batch: the long range of the mean shift is lost. Dividing by the two sums
is done in log space.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class BatchNormalized:
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
        masked = paired and self.self_term == "exclude"
        rows = torch.logaddexp(
            kernel_mean(kernel, x, data).log_mass,
            kernel_mean(kernel, x, model, exclude_diagonal=masked).log_mass,
        )
        data_columns = kernel_mean(kernel, data, x).log_mass
        model_columns = kernel_mean(kernel, model, x, exclude_diagonal=masked).log_mass
        attraction = kernel_mean(kernel, x, data, log_weights=-data_columns / 2)
        repulsion = kernel_mean(kernel, x, model, log_weights=-model_columns / 2, exclude_diagonal=masked)
        log_gain = attraction.log_mass + repulsion.log_mass - rows  # A_i B_i, each with its own R_i^(-1/2)
        return log_gain.exp().unsqueeze(1) * (attraction.mean - repulsion.mean)
