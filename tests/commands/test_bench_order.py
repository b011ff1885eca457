from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from drift_cli.commands.bench.order import order


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7])
def test_each_runs_in_each_place_and_after_each_other_equally_often(count: int) -> None:
    names = [f"contestant {k}" for k in range(count)]
    turns = [order(names, turn) for turn in range(2 * count)]
    places = Counter((place, name) for turn in turns for place, name in enumerate(turn))
    neighbours = Counter(pair for turn in turns for pair in pairwise(turn))
    assert set(places.values()) == {2}
    assert len(places) == count**2
    assert set(neighbours.values()) <= {2}
    assert len(neighbours) == count * (count - 1)


def test_a_rotation_alone_would_leave_the_neighbours_as_they_are() -> None:
    """What the design is for: of twelve neighbourhoods of four names a rotation has four."""
    names = ["a", "b", "c", "d"]
    rotated = [names[k:] + names[:k] for k in range(8)]
    assert len({pair for turn in rotated for pair in pairwise(turn)}) < 12
