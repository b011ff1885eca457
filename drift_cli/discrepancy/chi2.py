"""The χ² divergence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import log_masses
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class Chi2:
    r"""The χ² divergence of the smoothed samples, at the samples themselves:

    $$D = \frac1N\sum_i\rho_i - 1, \qquad \rho_i = \frac{q_\sigma(x_i)}{p_\sigma(x_i)}, \qquad
    q_\sigma(x) = \tfrac1N\sum_l k(x, x_l), \quad p_\sigma(x) = \tfrac1M\sum_j k(x, y_j),$$

    for a Gaussian kernel with the drift V of the mean shift

    $$-N\partial_{x_i}D = \rho_i\,\frac{V_i}{\sigma^2}
    - \frac1{N\sigma^2}\sum_j\frac{k(x_j, x_i)}{p_\sigma(x_j)}\,(x_j - x_i).$$

    The ratio, and the drift with it, grows without bound where there are samples and no data.
    """

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        log_ratio = log_masses(kernel, (1.0,), x, x)[0] - log_masses(kernel, (1.0,), x, data)[0]
        return (log_ratio + math.log(len(data) / len(x))).expm1().mean()
