"""The maximum mean discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import log_masses
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class Mmd:
    r"""Half the squared maximum mean discrepancy of the run's kernel (Gretton et al. 2012), as a V-statistic:

    $$D = \tfrac12\big(\mathbb E\,k(x, x') - 2\,\mathbb E\,k(x, y) + \mathbb E\,k(y, y')\big), \qquad
    -N\partial_{x_i}D = \tfrac1M\sum_j\nabla_x k(x_i, y_j) - \tfrac1N\sum_l\nabla_x k(x_i, x_l).$$

    For a Gaussian kernel the mean shift without its denominators, over σ²: far from the data it vanishes.
    """

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        def mean(rows: Tensor, columns: Tensor) -> Tensor:
            return log_masses(kernel, (1.0,), rows, columns)[0].exp().mean() / len(columns)

        return (mean(x, x) + mean(data, data)) / 2 - mean(x, data)
