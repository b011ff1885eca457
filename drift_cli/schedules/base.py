r"""A bandwidth schedule $\sigma(t)/\sigma_0$: a pure function of the training step."""

from __future__ import annotations

from typing import Protocol


class Schedule(Protocol):
    """A frozen callable; its repr says what it does."""

    def __call__(self, step: int) -> float:
        """The factor of kernel.bandwidth at training step `step` ≥ 0, in (0, 1]; 1 at step 0."""
        ...
