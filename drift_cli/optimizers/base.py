"""An optimiser's settings, what they make of parameters, and its learning rate over the run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from torch import nn

from drift_cli.rules import at_least, fraction, one_of, positive
from drift_cli.setting import Checked, Setting

Fraction = Annotated[float, Setting("fraction kept from step to step", (fraction,))]


@dataclass(frozen=True)
class Optimizer(Checked, ABC):
    """`lr` falls as `lr_schedule` says, after `warmup` steps in which it grows linearly.

    `capturable`: torch's optimiser takes its learning rate as a tensor, so that a GPU can capture its step.
    """

    capturable: ClassVar[bool] = False

    lr: Annotated[
        float, Setting("learning rate; with sgd and generator=particles, the time step of the flow", (positive,))
    ]
    lr_schedule: Annotated[
        str,
        Setting(
            "schedule over the run; cosine: to zero at the last step",
            (partial(one_of, choices=("constant", "cosine")),),
        ),
    ]
    warmup: Annotated[int, Setting("steps of linear warm-up", (partial(at_least, least=0),))]

    @abstractmethod
    def over(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch's optimiser of these parameters, at the full learning rate."""

    def learning_rate(self, step: int, steps: int) -> float:
        """lr(t): a linear warm-up, times 1 or (1 + cos(πt/steps))/2."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        fall = (1 + math.cos(math.pi * step / steps)) / 2 if self.lr_schedule == "cosine" else 1.0
        return self.lr * warm * fall


def fused() -> bool | None:
    """Whether torch's fused step is asked for: it has none on Apple's GPUs."""
    return None if torch.backends.mps.is_available() else True
