"""A step on tensors that stay in place is the step as it is written."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from drift_cli.drift import (
    BatchNormalized,
    KernelScore,
    Lookahead,
    MeanShift,
    MultiTemperature,
    Sharp,
    SinkhornProxy,
    abilities,
    drift_per_class,
)
from drift_cli.kernels import Laplace
from drift_cli.training import step as steps
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup, assemble
from tests.problems.settings import small


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> TrainConfig:
    return small("steps=1", "dtype=float64", *request.param)


def weights_after(advance: steps.Step, setup: Setup, count: int) -> torch.Tensor:
    for step in range(count):
        advance(step)
    return torch.cat([p.detach().flatten() for p in [*setup.model.parameters(), *setup.average.parameters()]])


@pytest.mark.parametrize(
    "settings",
    [
        ("steps=7",),
        ("steps=7", "schedule=exponential"),
        ("steps=7", "schedule=exponential", "drift=batch_normalized"),
        ("steps=7", "dataset=digits", "dataset.labels=true"),
        ("steps=7", "dataset=digits", "dataset.labels=true", "classes.positives=9", "schedule=exponential"),
    ],
    indirect=True,
)
def test_steps_in_place_are_the_steps_as_written(settings) -> None:
    first, second = assemble(settings), assemble(copy.deepcopy(settings))
    assert steps.can_be_captured(first)
    plain = weights_after(steps.DirectStep(first), first, 7)
    in_place = weights_after(steps.CapturedStep(second), second, 7)
    # A bandwidth that moves enters through a division and a product, each rounded.
    tolerance = 0.0 if settings.schedule.name == "constant" else 1e-9
    assert float((plain - in_place).abs().max()) <= tolerance


LABELLED = ("dataset=digits", "dataset.labels=true", "classes.positives=9")


@pytest.mark.parametrize("settings", [LABELLED, (*LABELLED, "drift=from_discrepancy")], indirect=True)
def test_data_of_another_class_never_attracts(settings) -> None:
    """No bit of a class' drift depends on another's data, with operators that take classes together and others."""
    setup = assemble(settings)
    batch, count = setup.batch(0), setup.count
    labels = setup.labels_like(batch, count, 0)
    assert (count, batch.classes, len(batch.points)) == (60, 10, 90)
    x = setup.model.sample(count, setup.stream("noise", 0), labels).detach()
    far = batch.points.clone()
    far[batch.labels != 3] = -1e6
    here = setup.field(setup.kernel, labels, batch)(x, x)
    there = setup.field(setup.kernel, labels, dataclasses.replace(batch, points=far))(x, x)
    assert torch.equal(there[labels == 3], here[labels == 3])
    assert not (there[labels != 3] == here[labels != 3]).all(dim=1).any()


@pytest.mark.parametrize("settings", [(*LABELLED, "classes.positives=null", "classes.balanced=false")], indirect=True)
def test_batches_drawn_from_all_data_cannot_be_captured(settings) -> None:
    setup = assemble(settings)
    assert not steps.can_be_captured(setup)
    assert setup.batch(0).classes is None


@pytest.mark.parametrize("settings", [LABELLED], indirect=True)
def test_a_class_together_is_the_class_alone(settings) -> None:
    setup = assemble(settings)
    batch = setup.batch(0)
    labels = setup.labels_like(batch, setup.count, 0)
    x = setup.model.sample(setup.count, setup.stream("noise", 0), labels).detach()
    alone = drift_per_class(setup.drift, setup.kernel, x, x, labels, batch.points, batch.labels)
    assert torch.equal(setup.field(setup.kernel, labels, batch)(x, x), alone)


@pytest.mark.parametrize(
    ("drift", "without"),
    [
        (MeanShift("include"), True),
        (BatchNormalized("exclude"), True),
        (MultiTemperature(MeanShift("exclude"), (0.5, 2.0), normalize=False), True),
        (MultiTemperature(MeanShift("exclude"), (0.5, 2.0), normalize=True), False),
        (SinkhornProxy("include"), True),
        (Sharp("include"), False),
        (KernelScore("include"), False),
        (Lookahead(MeanShift("include"), (1.0, 0.5)), True),
    ],
)
def test_what_scales_with_the_points_says_so_and_nothing_else_does(drift, without: bool, plane) -> None:
    x, data, c = plane(20), plane(30), 3.0
    assert abilities(drift).scales == without
    scaled = drift(Laplace(0.5 * c), c * x, c * data, c * x, paired=True)
    plain = c * drift(Laplace(0.5), x, data, x, paired=True)
    assert torch.allclose(scaled, plain, rtol=1e-10, atol=1e-12) == without


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("settings", [("steps=7",), ("steps=7", "schedule=exponential"), LABELLED], indirect=True)
def test_a_captured_step_is_the_step_as_written(settings) -> None:
    settings.device = "cuda"
    first, second = assemble(settings), assemble(copy.deepcopy(settings))
    captured = steps.build(second)
    assert isinstance(captured, steps.CapturedStep)
    plain = weights_after(steps.DirectStep(first), first, 7)
    torch.testing.assert_close(weights_after(captured, second, 7), plain, rtol=1e-8, atol=1e-10)
