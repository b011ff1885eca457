r"""Effective sample size of the kernel weights, $(\sum_j k_{ij})^2 / \sum_j k_{ij}^2$ for each query.

Near 1 the kernel sees its nearest neighbour only; near the number of points it sees them all equally. The bandwidth at
which it is a given share of the points is found by bisection (`bandwidth_seeing`): a median of distances would not
serve: in many dimensions all distances are similar, and a kernel of that width sees every point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import log_masses
from drift_cli.kernels import Kernel, Power


def effective_sample_size(kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"]) -> Float[Tensor, " n"]:
    r"""$(\sum_j k_{ij})^2 / \sum_j k_{ij}^2$ of each query $x_i$, from 1 to the number of points in `data`."""
    first = log_masses(kernel, (1.0,), x, data)[0]
    second = log_masses(Power(kernel, 2.0), (1.0,), x, data)[0]
    return (2 * first - second).exp()


_WIDEST = 1e6  # over and under the distance at which the bisection begins
_HALVINGS = 40


def bandwidth_seeing(share: float, kernel: Kernel, groups: Sequence[tuple[Tensor, Tensor]]) -> float:
    r"""The bandwidth at which a query sees `share` of the points of its group, in the mean over all queries.

    `groups` holds pairs of queries [n, d] and points [m, d], other samples of the same distribution: one pair, or one
    for each class. `kernel` is used at any bandwidth. For every kernel $\varphi = e^{-g(r)/\sigma^a}$ (Gaussian,
    Laplace) the share grows with $\sigma$, $d\log n_{\rm eff}/d\beta = 2(E_{2\beta}g - E_\beta g) \le 0$ at
    $\beta = \sigma^{-a}$, so the bisection (of the logarithm) ends at the one there is. Raises `ValueError` where
    even the widest kernel sees less: all points are one.
    """
    unit = kernel.scaled(1 / kernel.bandwidth)
    distance = max(float(torch.cdist(x[:64], y[:64]).median()) for x, y in groups)
    if not distance > 0:
        raise ValueError("at least half of the points are identical")

    def seen(bandwidth: float) -> float:
        shares = [effective_sample_size(unit.scaled(bandwidth), x, points) / len(points) for x, points in groups]
        return float(torch.cat(shares).mean())

    low, high = math.log(distance / _WIDEST), math.log(distance * _WIDEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if seen(math.exp(middle)) < share else (low, middle)
    return math.exp((low + high) / 2)
