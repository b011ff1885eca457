"""Adam."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from drift_cli.optimizers.base import Fraction, Optimizer, fused


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015)."""

    capturable: ClassVar[bool] = True
    beta1: Fraction
    beta2: Fraction

    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, self.lr, (self.beta1, self.beta2), fused=fused())
