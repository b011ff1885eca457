"""Networks that are learned from the data before the drift begins: codes, features, the judge of images."""

from __future__ import annotations

from drift_cli.learned.fit import fit
from drift_cli.learned.shelf import Shelf, content_hash

__all__ = ["Shelf", "content_hash", "fit"]
