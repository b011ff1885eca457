"""One contestant in one round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Lap:
    """Seconds on the wall of each timed call, and those that the calling thread spent on a processor in all of them."""

    calls: tuple[float, ...]
    thread: float

    @property
    def seconds(self) -> float:
        """Of a typical call: the median."""
        return statistics.median(self.calls)


Turn = dict[str, Lap]  # by contestant; not everyone runs in every turn
