"""Settings of `drift verify-score`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from drift_cli.config.checked import Checked, Seed, least, within
from drift_cli.errors import UserError

_LENGTHS = (1e-3, 1e3)  # bandwidths, where the model has standard deviation 1


@dataclass(kw_only=True)
class VerifyScoreConfig(Checked):
    modes: Annotated[int, least(1)]
    radius: Annotated[float, within(0, 100)]
    deviation: Annotated[float, within(1e-3, 100)]
    bandwidths: Annotated[list[float], within(*_LENGTHS)]
    samples: Annotated[list[int], least(2)]
    repeats: Annotated[int, least(2)]
    queries: Annotated[int, least(1)]
    field_bandwidth: Annotated[float, within(*_LENGTHS)]
    field_samples: Annotated[int, least(2)]
    seed: Seed

    def check_together(self) -> None:
        if len(set(self.samples)) < 2:
            raise UserError(f"samples must name at least 2 sizes to fit an exponent to, got {self.samples}.")
