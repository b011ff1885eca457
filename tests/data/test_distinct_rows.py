from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy.stats import chi2

from drift_cli.data.distinct_rows import distinct_rows

_PER_CELL = 50  # expected draws of every ordered pair
_LEVEL = 1e-6  # the chance that an even rule is taken for an uneven one


def uneven(draw: Callable[[], torch.Tensor], size: int) -> bool:
    """Whether ordered pairs of distinct rows come unequally often: the chi-square test at the level above."""
    cells = size * (size - 1)
    counts = torch.zeros(size, size, dtype=torch.float64)
    for _ in range(_PER_CELL * cells):
        first, second = draw().tolist()
        counts[first, second] += 1
    if counts.diagonal().any():
        return True
    apart = counts[~torch.eye(size, dtype=torch.bool)]
    return float((apart - _PER_CELL).square().sum()) / _PER_CELL > chi2.isf(_LEVEL, cells - 1)


@pytest.mark.parametrize("size", [16, 17])  # shuffled whole; drawn and the repeats drawn anew
def test_ordered_pairs_are_equally_likely(size: int, rng: torch.Generator) -> None:
    assert not uneven(lambda: distinct_rows(size, 2, rng), size)


def test_draws_with_replacement_are_caught(rng: torch.Generator) -> None:
    assert uneven(lambda: torch.randint(17, (2,), generator=rng), 17)


def test_a_repeat_moved_to_the_next_row_is_caught(rng: torch.Generator) -> None:
    """Distinct, but (i, i + 1) comes twice as often: 17 cells by 50 too many are 850 above the mean of 271."""

    def draw() -> torch.Tensor:
        first, second = torch.randint(17, (2,), generator=rng)
        return torch.stack([first, (second + 1) % 17 if first == second else second])

    assert uneven(draw, 17)


@pytest.mark.parametrize(("size", "n"), [(8_001, 1_000), (1_000_000, 2_048), (17, 2), (1, 1), (5, 0)])
def test_rows_are_distinct_and_in_range(size: int, n: int, rng: torch.Generator) -> None:
    for _ in range(20):
        rows = distinct_rows(size, n, rng)
        assert len(rows) == len(rows.unique()) == n
        assert ((rows >= 0) & (rows < size)).all()


def test_every_place_of_a_batch_sees_every_part_of_the_set(rng: torch.Generator) -> None:
    """A tenth of the set in each place, over 4,000 batches of 100 rows of 1,000: deviation 0.0047, of which 6 are kept.

    About five rows of a batch are drawn anew, and late places more often than early ones.
    """
    low = torch.stack([distinct_rows(1_000, 100, rng) < 100 for _ in range(4_000)]).double().mean(dim=0)
    assert float((low - 0.1).abs().max()) < 6 * (0.1 * 0.9 / 4_000) ** 0.5
