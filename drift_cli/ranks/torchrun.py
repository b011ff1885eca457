"""What torchrun tells a process that it started, by the environment; torch is not needed to read it."""

from __future__ import annotations

import os

_MARK = "TORCHELASTIC_RUN_ID"  # RANK alone may be anybody's


def count() -> int:
    """How many processes torchrun started, 0 where this one was started by something else."""
    return int(os.environ["WORLD_SIZE"]) if _MARK in os.environ else 0


def rank() -> int:
    """Which of them this one is; the first where there is no torchrun."""
    return int(os.environ["RANK"]) if _MARK in os.environ else 0


def local_rank() -> int:
    """Which of those on this machine."""
    return int(os.environ["LOCAL_RANK"]) if _MARK in os.environ else 0
