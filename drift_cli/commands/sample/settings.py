"""Settings of `drift sample`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, Seed, least, obeys
from drift_cli.rules import finite, positive
from drift_cli.training.settings import Device


@dataclass(kw_only=True)
class SampleConfig(Checked):
    argument: ClassVar = "run"  # `drift sample RUN` is `drift sample run=RUN`
    writes_to: ClassVar = "write out=FILE"  # in place of a run folder

    run: str
    n: Annotated[int, least(1)]
    out: str
    seed: Seed
    label: int | str | None = None
    condition: Annotated[list[float] | None, obeys(finite)] = None
    guidance: Annotated[float | None, obeys(positive)] = None
    ema: bool
    device: Device

    @property
    def destination(self) -> str:
        """The file that is written."""
        return self.out
