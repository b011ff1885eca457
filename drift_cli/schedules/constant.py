r"""$\sigma(t) = \sigma_0$."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Constant:
    def __call__(self, step: int) -> float:
        return 1.0
