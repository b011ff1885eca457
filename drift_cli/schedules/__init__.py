"""Bandwidth schedules, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from drift_cli.config import schedule as settings
from drift_cli.schedules.base import Schedule
from drift_cli.schedules.constant import Constant
from drift_cli.schedules.cosine import Cosine
from drift_cli.schedules.exponential import Exponential
from drift_cli.schedules.linear import Linear

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "Schedule", "build"]


def build(config: settings.ScheduleConfig) -> Schedule:
    """The schedule of `schedule=…`."""
    match config:
        case settings.ConstantScheduleConfig():
            return Constant()
        case settings.ExponentialScheduleConfig():
            return Exponential(config.floor, config.steps)
        case settings.LinearScheduleConfig():
            return Linear(config.floor, config.steps)
        case settings.CosineScheduleConfig():
            return Cosine(config.floor, config.steps)
    raise TypeError(f"no schedule is built from {type(config).__name__}")
