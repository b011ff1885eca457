"""Settings of `drift bench`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.rules import at_least, check_epsilon, not_empty, one_of, positive
from drift_cli.training.settings import TrainConfig


@dataclass
class BenchConfig(TrainConfig):
    """What is measured; the settings of a training run are those of the step that `what=step` measures."""

    changeable: ClassVar = ()

    what: Any = MISSING  # one name or several
    n: Any = MISSING  # one number or several
    d: Any = MISSING
    tau: float | None = None
    epsilon: float = MISSING
    seconds: float = MISSING
    largest_array_gb: float = MISSING
    longest: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        self.n, self.d = _numbers("n", self.n), _numbers("d", self.d)
        self.what = self.what if isinstance(self.what, list) else [self.what]
        not_empty("what", self.what)
        for what in self.what:
            one_of("what", what, ("mean_shift", "narrow", "row_column", "step", "paths", "sinkhorn"))
        if self.tau is not None:
            positive("tau", self.tau)
        check_epsilon("epsilon", self.epsilon)
        positive("seconds", self.seconds)
        at_least("largest_array_gb", self.largest_array_gb, 0)
        positive("longest", self.longest)


def _numbers(key: str, value: Any) -> list[int]:
    """One whole number above 1 or a list of them, as a list."""
    values = value if isinstance(value, list) else [value]
    not_empty(key, values)
    for entry in values:
        if not isinstance(entry, int) or entry < 1:
            raise UserError(f"{key} must be a whole number above 0 or a list of them, got {entry}.")
    return values
