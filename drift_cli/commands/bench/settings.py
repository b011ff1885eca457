"""Settings of `drift bench`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from drift_cli.config.checked import Positive, least, obeys
from drift_cli.errors import UserError
from drift_cli.rules import check_epsilon, not_empty, one_of, positive
from drift_cli.training.settings import TrainConfig

CLASSES = 10  # of equal size, that what=classes cuts the points into


@dataclass(kw_only=True)
class BenchConfig(TrainConfig):
    """What is measured; the settings of a training run are those of the step that `what=step` measures."""

    changeable: ClassVar = ()

    what: Any  # one name or several
    n: Any  # one number or several
    d: Any
    tau: Annotated[float | None, obeys(positive)] = None
    epsilon: Annotated[float, obeys(check_epsilon)]
    seconds: Positive
    largest_array_gb: Annotated[float, least(0)]
    longest: Positive

    def check_together(self) -> None:
        super().check_together()
        if self.resume is not None:
            raise UserError(f"`drift bench` has no run to resume, got resume={self.resume}: leave it out.")
        self.n, self.d = _numbers("n", self.n), _numbers("d", self.d)
        self.what = self.what if isinstance(self.what, list) else [self.what]
        not_empty("what", self.what)
        for what in self.what:
            one_of("what", what, ("mean_shift", "narrow", "row_column", "step", "paths", "classes", "sinkhorn"))
        if "classes" in self.what and min(self.n) < 2 * CLASSES:
            raise UserError(
                f"what=classes needs two points of each of {CLASSES} classes, got n={min(self.n)}: give 20 or more."
            )


def _numbers(key: str, value: Any) -> list[int]:
    """One whole number above 1 or a list of them, as a list."""
    values = value if isinstance(value, list) else [value]
    not_empty(key, values)
    for entry in values:
        if not isinstance(entry, int) or entry < 1:
            raise UserError(f"{key} must be a whole number above 0 or a list of them, got {entry}.")
    return values
