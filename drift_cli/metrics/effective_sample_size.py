r"""Effective sample size of the kernel weights, $(\sum_j k_{ij})^2 / \sum_j k_{ij}^2$ for each query.

Near 1 the kernel sees its nearest neighbour only; near the number of points it sees them all alike.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import log_masses
from drift_cli.kernels import Kernel, Power


def effective_sample_size(kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    first = log_masses(kernel, (1.0,), x, data)[0]
    second = log_masses(Power(kernel, 2.0), (1.0,), x, data)[0]
    return (2 * first - second).exp()
