"""The queue of data points: what it holds is a function of the step, and few points of it are new at each."""

from __future__ import annotations

import re

import pytest
import torch

from drift_cli.data import target_of
from drift_cli.data.digits import Digits
from drift_cli.errors import UserError
from drift_cli.training.queue import Queue
from drift_cli.training.settings import ClassesConfig
from drift_cli.training.setup import assemble
from drift_cli.training.streams import stream
from tests.training.test_step import LABELLED, settings  # noqa: F401  (a fixture)

SIZE, NEW = 12, 3


def queue() -> Queue:
    return Queue(target_of(Digits(labels=True)), SIZE, NEW, lambda name, step: stream(0, name, step), torch.float64)


def held(points: torch.Tensor) -> set[tuple[float, ...]]:
    return set(map(tuple, points.flatten(0, 1).tolist()))


def of_step(one: Queue, step: int) -> set[tuple[float, ...]]:
    return held(one.positives(one.size, step).points[:, None])


def test_a_run_that_goes_on_has_the_queue_that_it_left() -> None:
    straight = queue()
    for step in range(1, 12):
        left = straight.positives(5, step)
    torch.testing.assert_close(queue().positives(5, 11).points, left.points, rtol=0, atol=0)
    assert not torch.equal(queue().positives(5, 10).points, left.points)


def test_what_is_drawn_stays_for_as_many_steps_as_the_queue_has_room_for() -> None:
    one, target = queue(), target_of(Digits(labels=True))
    drawn = target.sample_of_each(NEW, stream(0, "data", 6), torch.float64)
    of_six = held(drawn.points[:, None])
    stays = [of_six <= of_step(one, step) for step in range(6, 12)]
    # Four draws of three fill it: the draw of step 6 is replaced at step 10 (another draw may hold some of its points).
    assert stays[:4] == [True] * 4
    assert stays[4:] == [False, False]
    assert not of_six <= of_step(one, 5)


@pytest.mark.parametrize("settings", [(*LABELLED, "classes.queue=20", "classes.queue_new=5")], indirect=True)
def test_positives_of_a_run_come_from_its_queue(settings) -> None:  # noqa: F811
    setup = assemble(settings)
    batches = [setup.batch(step) for step in (1, 2)]
    assert [len(each.points) for each in batches] == [90, 90]  # nine of each of ten classes
    assert all(torch.equal(each.labels, torch.arange(10).repeat_interleave(9)) for each in batches)
    first, second = (of_step(setup.queue, step) for step in (1, 2))
    assert 10 * (20 - 5) <= len(first & second) < 10 * 20
    without = assemble(settings)
    without.config.classes = ClassesConfig(balanced=True, positives=9)
    assert without.queue is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"queue": 8}, "classes.queue=8 sets the data points per class"),
        ({"balanced": True, "queue_new": 2}, "classes.queue_new=2 needs a queue: set classes.queue"),
        ({"balanced": True, "queue": 8, "positives": 9}, "classes.positives must be at most classes.queue, 8, got 9"),
        ({"balanced": True, "queue": 8, "queue_new": 3}, "classes.queue must be a multiple of classes.queue_new, 3"),
    ],
)
def test_refusals(given: dict, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        ClassesConfig(**given)
