"""Drift operators, one file each; `build` makes the one that the settings name."""

from __future__ import annotations

from drift_cli.config import drift as settings
from drift_cli.drift.base import Drift
from drift_cli.drift.batch_normalized import BatchNormalized
from drift_cli.drift.mean_shift import MeanShift
from drift_cli.drift.multi_temperature import MultiTemperature
from drift_cli.drift.per_class import drift_per_class

__all__ = ["BatchNormalized", "Drift", "MeanShift", "MultiTemperature", "build", "drift_per_class"]


def build(config: settings.DriftConfig) -> Drift:
    """The operator of `drift=…`."""
    match config:
        case settings.MultiTemperatureConfig():
            base = MeanShift if config.base == "mean_shift" else BatchNormalized
            return MultiTemperature(base(config.self_term), tuple(config.factors), config.normalize == "rms")
        case settings.MeanShiftConfig():
            return MeanShift(config.self_term)
        case settings.BatchNormalizedConfig():
            return BatchNormalized(config.self_term)
    raise TypeError(f"no drift is built from {type(config).__name__}")
