"""Targets, one file each."""

from __future__ import annotations

from drift_cli.data.space import Space
from drift_cli.data.target import Batch, Classes, Endless, Finite, Synthetic, Target, target_of

__all__ = ["Batch", "Classes", "Endless", "Finite", "Space", "Synthetic", "Target", "target_of"]
