"""Settings of `drift verify-score`."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.rules import at_least, between, not_empty

_LENGTHS = (1e-3, 1e3)  # bandwidths, where the model has standard deviation 1


@dataclass
class VerifyScoreConfig:
    modes: int = MISSING
    radius: float = MISSING
    deviation: float = MISSING
    bandwidths: list[float] = MISSING
    samples: list[int] = MISSING
    repeats: int = MISSING
    queries: int = MISSING
    field_bandwidth: float = MISSING
    field_samples: int = MISSING
    seed: int = MISSING

    def __post_init__(self) -> None:
        at_least("modes", self.modes, 1)
        between("radius", self.radius, 0, 100)
        between("deviation", self.deviation, 1e-3, 100)
        not_empty("bandwidths", self.bandwidths)
        for bandwidth in self.bandwidths:
            between("each of bandwidths", bandwidth, *_LENGTHS)
        between("field_bandwidth", self.field_bandwidth, *_LENGTHS)
        for count in self.samples:
            at_least("each of samples", count, 2)
        if len(set(self.samples)) < 2:
            raise UserError(f"samples must name at least 2 sizes to fit an exponent to, got {self.samples}.")
        at_least("repeats", self.repeats, 2)
        at_least("queries", self.queries, 1)
        at_least("field_samples", self.field_samples, 2)
        at_least("seed", self.seed, 0)
