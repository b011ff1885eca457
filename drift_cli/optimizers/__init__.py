"""Optimisers, one file each, with the learning rate as a pure function of the step."""

from __future__ import annotations

from drift_cli.optimizers.adam import Adam
from drift_cli.optimizers.adamw import AdamW
from drift_cli.optimizers.base import Optimizer
from drift_cli.optimizers.sgd import Sgd

__all__ = ["Adam", "AdamW", "Optimizer", "Sgd"]
