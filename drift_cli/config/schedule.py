"""Settings of the bandwidth schedules: a factor of kernel.bandwidth as a function of the training step."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import at_least, between, check_steps, one_of, positive_fraction


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
        check_steps("schedule.steps", self.steps)


@dataclass
class ExponentialScheduleConfig(SweepConfig):
    name: str = "exponential"


@dataclass
class LinearScheduleConfig(SweepConfig):
    name: str = "linear"


@dataclass
class CosineScheduleConfig(SweepConfig):
    name: str = "cosine"


@dataclass
class OptimalScheduleConfig(SweepConfig):
    """`kernel` and `dimension`: whose rates decide how long to stay at which bandwidth."""

    name: str = "optimal"
    kernel: str = MISSING
    dimension: int = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("schedule.kernel", self.kernel, ("gaussian", "laplace", "matern32", "matern52"))
        at_least("schedule.dimension", self.dimension, 1)
        between("schedule.floor", self.floor, 1e-4, 0.8)  # one bandwidth serves a narrower sweep best


SCHEDULES: dict[str, type[ScheduleConfig]] = {
    "constant": ConstantScheduleConfig,
    "exponential": ExponentialScheduleConfig,
    "linear": LinearScheduleConfig,
    "cosine": CosineScheduleConfig,
    "optimal": OptimalScheduleConfig,
}
