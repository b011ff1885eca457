r"""A kernel that is a weighted sum of kernels, $\varphi(r) = \sum_c w_c\,\varphi_c(r) / \sum_c w_c$.

Not to be confused with a drift that is a sum of drifts (`drift/multi_temperature.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from drift_cli.kernels.base import Kernel


@dataclass(frozen=True)
class Mixture:
    """`bandwidth` is the unit in which the mixture is scaled; the components carry their own bandwidths."""

    bandwidth: float
    components: tuple[Kernel, ...]
    weights: tuple[float, ...]

    def log_profile(self, r: Tensor) -> Tensor:
        total = math.fsum(self.weights)
        terms = [
            kernel.log_profile(r) + math.log(weight / total)
            for kernel, weight in zip(self.components, self.weights, strict=True)
        ]
        return torch.logsumexp(torch.stack(terms), dim=0)

    def scaled(self, factor: float) -> Self:
        components = tuple(kernel.scaled(factor) for kernel in self.components)
        return type(self)(factor * self.bandwidth, components, self.weights)
