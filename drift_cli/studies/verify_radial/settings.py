"""Settings of `drift verify-radial`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from drift_cli.config.checked import Checked, Positive, Seed, least, within
from drift_cli.errors import UserError


@dataclass(kw_only=True)
class VerifyRadialConfig(Checked):
    dimensions: Annotated[list[int], within(2, 4096)]
    temperature: Annotated[float, within(1e-3, 1e3)]
    offset: Annotated[float, within(1e-3, 1e3)]
    deviation: Annotated[float, within(1e-2, 1e2)]
    queries: Annotated[int, least(2)]
    fit_from: int
    nodes: Annotated[int, within(4, 1024)]
    tolerance: Annotated[float, within(1e-10, 1e-2)]
    samples: Annotated[int, least(2)]
    repeats: Annotated[int, least(2)]
    low_dimensions: Annotated[list[int], within(2, 4096)]
    low_temperatures: Annotated[list[float], within(1e-5, 100)]  # below, float64 sees no asymmetry
    decomposition_samples: Annotated[int, least(2)]
    dmd_bandwidth: Positive
    dmd_points: Annotated[int, least(1)]
    dmd_nodes: Annotated[int, within(3, 2001)]
    seed: Seed

    def check_together(self) -> None:
        for key in ("dimensions", "low_dimensions", "low_temperatures"):
            setattr(self, key, sorted(set(getattr(self, key))))
        _enough("low_temperatures", self.low_temperatures, "that differ")
        _enough("dimensions", [d for d in self.dimensions if d >= self.fit_from], f"from fit_from={self.fit_from} on")
        if self.deviation == 1:
            raise UserError("deviation must differ from 1, the model's, got 1: give 0.9, or any other scale mismatch.")


def _enough(key: str, values: list, which: str) -> None:
    if len(values) < 3:
        raise UserError(f"{key} must name at least 3 values {which} to fit a slope to, got {values}: add some.")
