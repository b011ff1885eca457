"""Settings of the drift operators V(x; data, model)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import between, not_empty, one_of

SELF_TERMS = ("include", "exclude")


@dataclass
class DriftConfig:
    name: str = MISSING
    self_term: str = MISSING

    def __post_init__(self) -> None:
        one_of("drift.self_term", self.self_term, SELF_TERMS)


@dataclass
class MeanShiftConfig(DriftConfig):
    name: str = "mean_shift"


@dataclass
class BatchNormalizedConfig(DriftConfig):
    name: str = "batch_normalized"


@dataclass
class MultiTemperatureConfig(DriftConfig):
    name: str = "multi_temperature"
    base: str = MISSING
    factors: list[float] = MISSING
    normalize: str = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("drift.base", self.base, ("mean_shift", "batch_normalized"))
        one_of("drift.normalize", self.normalize, ("none", "rms"))
        not_empty("drift.factors", self.factors)
        for factor in self.factors:
            between("each of drift.factors", factor, 1e-6, 1e6)


DRIFTS: dict[str, type[DriftConfig]] = {
    "mean_shift": MeanShiftConfig,
    "batch_normalized": BatchNormalizedConfig,
    "multi_temperature": MultiTemperatureConfig,
}
