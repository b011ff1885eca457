"""Settings of `drift sample`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.rules import at_least
from drift_cli.training.settings import DEVICES, known_device


@dataclass
class SampleConfig:
    choices: ClassVar = {"device": DEVICES}
    argument: ClassVar = "run"  # `drift sample RUN` is `drift sample run=RUN`
    writes_to: ClassVar = "write out=FILE"  # in place of a run folder

    run: str = MISSING
    n: int = MISSING
    out: str = MISSING
    seed: int = MISSING
    label: int | None = None
    ema: bool = MISSING
    device: str = MISSING

    @property
    def destination(self) -> str:
        """The file that is written."""
        return self.out

    def __post_init__(self) -> None:
        at_least("n", self.n, 1)
        at_least("seed", self.seed, 0)
        known_device(self.device)
