"""Bandwidth schedules, one file each: a factor on kernel.bandwidth as a function of the training step."""

from __future__ import annotations

from drift_cli.schedules.base import Schedule
from drift_cli.schedules.constant import Constant
from drift_cli.schedules.cosine import Cosine
from drift_cli.schedules.exponential import Exponential
from drift_cli.schedules.linear import Linear
from drift_cli.schedules.optimal import Optimal

__all__ = ["Constant", "Cosine", "Exponential", "Linear", "Optimal", "Schedule"]
