"""The order in which the contestants of a round run."""

from __future__ import annotations

from collections.abc import Sequence


def order(names: Sequence[str], turn: int) -> list[str]:
    """The names in the order of turn 0, 1, …: a Williams design, whose rows come again after 2·len(names) turns.

    A rotation alone leaves everyone behind the same neighbour. Here each runs in each place, and right after each of
    the others, equally often: zigzag 0, 1, n−1, 2, n−2, … shifted by the turn, and from the last to the first in every
    other pass, which balances an odd number of names.
    """
    count = len(names)
    zigzag = [(place + 1) // 2 if place % 2 else count - place // 2 for place in range(count)]
    row = [names[(step + turn) % count] for step in zigzag]
    return row[::-1] if turn // count % 2 else row
