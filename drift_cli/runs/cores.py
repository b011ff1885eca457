"""The number of cores to divide among processes."""

from __future__ import annotations

import os


def usable() -> int:
    """The cores that this process may use, which a container or a queue may have made fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
