"""AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from torch import nn

from drift_cli.optimizers.base import Fraction, Optimizer, fused
from drift_cli.rules import at_least
from drift_cli.setting import Setting


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    capturable: ClassVar[bool] = True
    beta1: Fraction
    beta2: Fraction
    weight_decay: Annotated[float, Setting("per unit of learning rate and step", (partial(at_least, least=0),))]

    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        betas = (self.beta1, self.beta2)
        return torch.optim.AdamW(parameters, self.lr, betas, weight_decay=self.weight_decay, fused=fused())
