"""A constant bandwidth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Constant:
    r"""$\sigma(t) = \sigma_0$.

    `schedule(step)` is the factor on the kernel's bandwidth at a training step.
    """

    def __call__(self, step: int) -> float:
        return 1.0
