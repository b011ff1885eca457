"""Processes that a test starts and stops."""

from __future__ import annotations

import signal
from pathlib import Path


def heed_interrupts() -> None:
    """Before a process begins: heed Ctrl-C, which a test that runs in the background would hand on as ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def offspring(process: int) -> list[int]:
    """Children, theirs, and so on."""
    own = children(process)
    return [*own, *(each for child in own for each in offspring(child))]
