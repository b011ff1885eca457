"""Settings of the bandwidth schedules: a factor of kernel.bandwidth as a function of the training step."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import at_least, positive_fraction


@dataclass
class ScheduleConfig:
    name: str = MISSING


@dataclass
class ConstantScheduleConfig(ScheduleConfig):
    name: str = "constant"


@dataclass
class SweepConfig(ScheduleConfig):
    """A sweep of the factor from 1 to `floor` over the first `steps` steps, then held."""

    floor: float = MISSING
    steps: int = MISSING

    def __post_init__(self) -> None:
        positive_fraction("schedule.floor", self.floor)
        at_least("schedule.steps", self.steps, 1)


@dataclass
class ExponentialScheduleConfig(SweepConfig):
    name: str = "exponential"


@dataclass
class LinearScheduleConfig(SweepConfig):
    name: str = "linear"


@dataclass
class CosineScheduleConfig(SweepConfig):
    name: str = "cosine"


SCHEDULES: dict[str, type[ScheduleConfig]] = {
    "constant": ConstantScheduleConfig,
    "exponential": ExponentialScheduleConfig,
    "linear": LinearScheduleConfig,
    "cosine": CosineScheduleConfig,
}
