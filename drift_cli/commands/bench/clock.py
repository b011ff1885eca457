"""The two clocks that a measurement reads; tests bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Seconds since some moment: on the wall, and those that the calling thread spent on a processor."""

    wall: Callable[[], float]
    thread: Callable[[], float]


REAL = Clock(time.perf_counter, time.thread_time)
