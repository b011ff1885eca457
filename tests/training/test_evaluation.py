"""What is measured of a generator while it trains and when it has."""

from __future__ import annotations

import pytest

from drift_cli.training.evaluation import Mean, distance, distance_alone, floor_alone
from drift_cli.training.setup import assemble
from tests.problems.settings import small


@pytest.mark.parametrize("settings", [(), ("dataset=digits", "dataset.labels=true"), ("generator=particles",)])
def test_a_distance_alone_and_a_floor_alone_are_those_of_the_pair(settings: tuple[str, ...]) -> None:
    """To the last bit: what is left out draws after all that is kept, or nothing."""
    setup = assemble(small("steps=1", *settings, network="generator=particles" not in settings))
    both = distance(setup, 90, 3, "evaluation", 5)
    assert distance_alone(setup, 90, 3, "evaluation", 5) == Mean(both.value, both.value_sd)
    assert floor_alone(setup, 90, 3, "evaluation", 5) == Mean(both.floor, both.floor_sd)
    assert both.value != both.floor
