"""Cosine annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drift_cli.schedules.base import Floor, Steps
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Cosine(Checked):
    r"""$\sigma(t)/\sigma_0 = f + (1-f)\,(1+\cos(\pi t/\texttt{steps}))/2$, then held at f, the floor (App. F).

    `schedule(step)` is the factor on the kernel's bandwidth at a training step.
    """

    floor: Floor
    steps: Steps

    def __call__(self, step: int) -> float:
        progress = min(step / self.steps, 1.0)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2
