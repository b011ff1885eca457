"""The name of a sweep's folder: the same words find it again, whenever they are given."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path


def of_sweep(command: str, settings: Sequence[str]) -> str:
    """`<time>-<digest of the words>`: that of the latest sweep of these words below outputs/, else one of now.

    Where its jobs run makes no other sweep; how they are chosen does.
    """
    chosen = [
        word for word in settings if not word.startswith(("hydra.", "hydra/")) or word.startswith("hydra/sweeper")
    ]
    digest = hashlib.sha256("\0".join(chosen).encode()).hexdigest()[:8]
    earlier = sorted(Path("outputs", command).glob(f"*-{digest}"))
    return earlier[-1].name if earlier else f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{digest}"
