from __future__ import annotations

import pytest
import torch

from drift_cli.commands.bench.ratio import Ratio


def test_the_interval_holds_the_median_as_often_as_it_says(rng: torch.Generator) -> None:
    """Of a skewed law, whose median is log 2: at least 95 % of 4,000 draws of 20 (standard error 0.3 %)."""
    draws = torch.empty(4000, 20, dtype=torch.float64).exponential_(generator=rng)
    found = [Ratio.of(draw.tolist()) for draw in draws]
    median = torch.tensor(2.0).log().item()
    share = sum(ratio.low <= median <= ratio.high for ratio in found) / len(found)
    assert 0.94 < share < 0.98  # order statistics cannot hit 95 % exactly: 95.9 % for twenty
    assert all(ratio.high < max(draw) for ratio, draw in zip(found, draws.tolist(), strict=True))  # narrower than all


def test_few_turns_tell_their_range() -> None:
    assert Ratio.of([3.0, 1.0, 2.0]) == Ratio(2.0, 1.0, 3.0, 3)
    assert Ratio.of([4.0]) == Ratio(4.0, 4.0, 4.0, 1)


def test_no_turn_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        Ratio.of([])
