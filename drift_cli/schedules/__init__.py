"""Bandwidth schedules, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from typing import cast

from drift_cli import kernels
from drift_cli.config import kernel as kernel_settings
from drift_cli.config import schedule as settings
from drift_cli.schedules.base import Schedule
from drift_cli.schedules.constant import Constant
from drift_cli.schedules.cosine import Cosine
from drift_cli.schedules.exponential import Exponential
from drift_cli.schedules.linear import Linear
from drift_cli.schedules.optimal import Optimal

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "Optimal", "Schedule", "build"]


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
        case settings.OptimalScheduleConfig():
            kernel = kernels.build(kernel_settings.KERNELS[config.kernel](bandwidth=1.0))
            return Optimal(config.floor, config.steps, cast(kernels.Spectral, kernel), config.dimension)
    raise TypeError(f"no schedule is built from {type(config).__name__}")
