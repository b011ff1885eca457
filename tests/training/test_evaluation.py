"""What is measured of a generator while it trains and when it has."""

from __future__ import annotations

import pytest

from drift_cli import config as configs
from drift_cli.training.evaluation import Mean, distance, distance_alone, floor_alone
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import assemble
from tests.problems.runs import train


@pytest.mark.parametrize("settings", [(), ("dataset=digits", "dataset.labels=true"), ("generator=particles",)])
def test_a_distance_alone_and_a_floor_alone_are_those_of_the_pair(settings: tuple[str, ...], tmp_path) -> None:
    """To the last bit: what is left out draws after all that is kept, or nothing."""
    assert train(tmp_path / "run", "steps=1", *settings, network="generator=particles" not in settings) == 0
    setup = assemble(configs.load(tmp_path / "run" / "config.yaml", TrainConfig))
    both = distance(setup, 90, 3, "evaluation", 5)
    assert distance_alone(setup, 90, 3, "evaluation", 5) == Mean(both.value, both.value_sd)
    assert floor_alone(setup, 90, 3, "evaluation", 5) == Mean(both.floor, both.floor_sd)
    assert both.value != both.floor
