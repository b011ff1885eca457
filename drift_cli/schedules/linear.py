"""Linear annealing."""

from __future__ import annotations

from dataclasses import dataclass

from drift_cli.schedules.base import Floor, Steps
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Linear(Checked):
    r"""$\sigma(t)/\sigma_0$ falls linearly from 1 to the floor and is then held (Turan & Ovsjanikov, App. F).

    `schedule(step)` is the factor on the kernel's bandwidth at a training step.
    """

    floor: Floor
    steps: Steps

    def __call__(self, step: int) -> float:
        progress = min(step / self.steps, 1.0)
        return 1 - (1 - self.floor) * progress
