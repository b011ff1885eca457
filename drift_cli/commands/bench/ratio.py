"""How many times longer one contestant takes than another, with an interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_OUTSIDE = 0.05  # the chance that the interval misses


@dataclass(frozen=True)
class Ratio:
    """The median over `turns` turns of a ratio taken in each, and an interval `low` to `high` around it.

    The interval holds the median of all possible turns with 95 % at least, if turns are independent, whatever their
    distribution: it lies between order statistics. Five turns or fewer cannot say as much: there it is their range.
    """

    median: float
    low: float
    high: float
    turns: int

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Ratio:
        """From one ratio a turn; raises `ValueError` for none."""
        if not ratios:
            raise ValueError("a ratio needs at least one round that measured both")
        ranked, left_out = sorted(ratios), _left_out(len(ratios))
        return cls(statistics.median(ranked), ranked[left_out], ranked[-1 - left_out], len(ranked))


def _left_out(count: int) -> int:
    """How many values may lie beyond either end: P(fewer heads than that + 1 of `count` coins) stays below 2.5 %."""
    tail, heads = 0.0, 0
    while 2 * (tail := tail + math.comb(count, heads) / 2**count) <= _OUTSIDE:
        heads += 1
    return max(0, heads - 1)
