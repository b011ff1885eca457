"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from drift_cli.optimizers.base import Fraction, Optimizer


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent; of particles at learning rate η, without momentum, the Euler step x + ηV."""

    momentum: Fraction

    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, self.lr, self.momentum)
