"""Where the drift lives, one file each: the data's own training space, or codes learned from the data."""

from __future__ import annotations

from drift_cli.space.auto import Auto
from drift_cli.space.autoencoder import Autoencoder
from drift_cli.space.codec import Codec, Fitting
from drift_cli.space.identity import Identity

__all__ = ["Auto", "Autoencoder", "Codec", "Fitting", "Identity"]
