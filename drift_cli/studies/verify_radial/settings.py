"""Settings of `drift verify-radial`."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, not_empty, positive


@dataclass
class VerifyRadialConfig:
    dimensions: list[int] = MISSING
    temperature: float = MISSING
    offset: float = MISSING
    deviation: float = MISSING
    queries: int = MISSING
    fit_from: int = MISSING
    nodes: int = MISSING
    tolerance: float = MISSING
    samples: int = MISSING
    repeats: int = MISSING
    low_dimensions: list[int] = MISSING
    low_temperatures: list[float] = MISSING
    decomposition_samples: int = MISSING
    dmd_bandwidth: float = MISSING
    dmd_points: int = MISSING
    dmd_nodes: int = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        for key in ("dimensions", "low_dimensions", "low_temperatures"):
            not_empty(key, getattr(self, key))
            setattr(self, key, sorted(set(getattr(self, key))))
        for dimension in self.dimensions:
            between("each of dimensions", dimension, 2, 4096)
        for dimension in self.low_dimensions:
            between("each of low_dimensions", dimension, 2, 4096)
        between("temperature", self.temperature, 1e-3, 1e3)
        for temperature in self.low_temperatures:
            between("each of low_temperatures", temperature, 1e-5, 100)  # below, float64 sees no asymmetry
        _enough("low_temperatures", self.low_temperatures, "that differ")
        _enough("dimensions", [d for d in self.dimensions if d >= self.fit_from], f"from fit_from={self.fit_from} on")
        between("offset", self.offset, 1e-3, 1e3)
        between("deviation", self.deviation, 1e-2, 1e2)
        if self.deviation == 1:
            raise UserError("deviation must differ from 1, the model's, got 1: give 0.9, or any other scale mismatch.")
        at_least("queries", self.queries, 2)
        between("nodes", self.nodes, 4, 1024)
        between("tolerance", self.tolerance, 1e-10, 1e-2)
        at_least("samples", self.samples, 2)
        at_least("repeats", self.repeats, 2)
        at_least("decomposition_samples", self.decomposition_samples, 2)
        positive("dmd_bandwidth", self.dmd_bandwidth)
        at_least("dmd_points", self.dmd_points, 1)
        between("dmd_nodes", self.dmd_nodes, 3, 2001)
        at_least("seed", self.seed, 0)


def _enough(key: str, values: list, which: str) -> None:
    if len(values) < 3:
        raise UserError(f"{key} must name at least 3 values {which} to fit a slope to, got {values}: add some.")
