"""Exponential annealing."""

from __future__ import annotations

from dataclasses import dataclass

from drift_cli.schedules.base import Floor, Steps
from drift_cli.setting import Checked


@dataclass(frozen=True)
class Exponential(Checked):
    r"""Exponential annealing (Turan & Ovsjanikov, eq. 18 as reconstructed):
    $\sigma(t) = \max(\sigma_0 e^{-rt}, \sigma_{\min})$ with $r = \ln(\sigma_0/\sigma_{\min})/\texttt{steps}$.

    `schedule(step)` is the factor on the kernel's bandwidth at a training step.
    """

    floor: Floor
    steps: Steps

    def __call__(self, step: int) -> float:
        progress = min(step / self.steps, 1.0)
        return float(self.floor**progress)
