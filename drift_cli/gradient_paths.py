"""By which paths of the drift the loss carries gradient (`training/loss.py` has the losses)."""

from __future__ import annotations

GRADIENT_PATHS = ("none", "query", "samples", "both")
