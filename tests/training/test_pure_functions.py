from __future__ import annotations

import math

import pytest
import torch

from drift_cli.generator import Particles
from drift_cli.optimizers import Adam
from drift_cli.training import ema
from drift_cli.training.loop import snapshot_steps
from drift_cli.training.streams import stream


def adam(lr_schedule: str, warmup: int = 0) -> Adam:
    return Adam(lr=0.01, lr_schedule=lr_schedule, warmup=warmup, beta1=0.9, beta2=0.999)


def test_streams_differ_by_seed_purpose_and_step_and_by_nothing_else() -> None:
    def draw(*key) -> float:
        return float(torch.rand(1, generator=stream(*key)))

    keys = [(0, "data", 0), (1, "data", 0), (0, "noise", 0), (0, "data", 1)]
    assert len({draw(*key) for key in keys}) == len(keys)
    assert draw(0, "data", 7) == draw(0, "data", 7)


def test_the_learning_rate_warms_up_and_falls() -> None:
    assert adam("constant").learning_rate(999, 1000) == 0.01
    assert adam("cosine").learning_rate(0, 1000) == 0.01
    assert adam("cosine").learning_rate(500, 1000) == pytest.approx(0.005)
    assert adam("cosine").learning_rate(1000, 1000) == pytest.approx(0, abs=1e-18)
    assert [adam("constant", 4).learning_rate(step, 9) for step in range(5)] == pytest.approx(
        [0.0025, 0.005, 0.0075, 0.01, 0.01]
    )


def test_the_average_follows_its_recursion() -> None:
    model = Particles(torch.zeros(1, 1, dtype=torch.float64))
    average = ema.start(model)
    expected = 0.0
    for step, value in enumerate([1.0, -2.0, 5.0, 3.0]):
        model.positions.data.fill_(value)
        ema.update(average, model, 0.3, step)
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert float(average.positions) == pytest.approx(expected, rel=1e-14)
    assert not average.positions.requires_grad


def test_snapshots_end_at_the_last_step() -> None:
    for steps in (1, 7, 3_000):
        kept = snapshot_steps(steps, animate=False)
        assert max(kept) == steps
        assert kept <= snapshot_steps(steps, animate=True)
    assert math.isclose(len(snapshot_steps(3_000, animate=True)), 63, abs_tol=4)
