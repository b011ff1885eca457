r"""A bandwidth schedule $\sigma(t)/\sigma_0$: a pure function of the training step."""

from __future__ import annotations

from typing import Annotated, Protocol

from drift_cli.rules import check_steps, positive_fraction
from drift_cli.setting import Setting

Floor = Annotated[float, Setting("the last factor, sigma_min / sigma_0", (positive_fraction,))]
Steps = Annotated[int, Setting("length of the sweep; afterwards the factor stays at the floor", (check_steps,))]


class Schedule(Protocol):
    """A frozen callable; its repr shows its settings."""

    def __call__(self, step: int) -> float:
        """The factor on kernel.bandwidth at training step `step` ≥ 0, in (0, 1]; 1 at step 0."""
        ...
