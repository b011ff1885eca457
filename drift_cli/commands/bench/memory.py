"""The most memory that a function has in use."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

_SAMPLE_EVERY = 5e-4  # seconds between looks at the memory in use
Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Peak(Generic[Returned]):
    """The most in use during a call, above what was in use before it, in MB (10⁶ bytes), and what the call returned."""

    mb: float
    returned: Returned


def peak(function: Callable[[], Returned]) -> Peak[Returned]:
    """Call the function once and watch."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        returned = function()
        torch.cuda.synchronize()
        return Peak((torch.cuda.max_memory_allocated() - before) / 1e6, returned)
    _release()
    before, most, done = _resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, _resident())
            time.sleep(_SAMPLE_EVERY)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        returned = function()
        most = max(most, _resident())
    finally:  # what the function raises must not leave the watcher behind
        done.set()
        watcher.join()
    return Peak(max(0, most - before) / 1e6, returned)


def _release() -> None:
    """Hand freed memory back to the system, so that taking it again is seen; where the C library can."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
