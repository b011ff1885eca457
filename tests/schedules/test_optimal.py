from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.config.objects import chosen
from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, Spectral
from drift_cli.schedules import Exponential, Optimal
from tests.problems.runs import train

kernels = st.sampled_from([Gaussian, Laplace, Matern32, Matern52])


@given(kernels, st.floats(1e-3, 0.8), st.integers(1, 5000), st.integers(1, 32), st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_the_stairs_go_down_from_one_to_the_floor_and_stay(
    kernel: type, floor: float, steps: int, dimension: int, step: int
) -> None:
    schedule = Optimal(floor, steps, kernel(0.3), dimension)
    assert schedule(0) == pytest.approx(1.0)
    for later in (steps, steps + 1, 10 * steps):
        assert schedule(later) == pytest.approx(floor)
    assert schedule(step + 1) <= schedule(step)
    assert floor * (1 - 1e-9) <= schedule(step) <= 1 + 1e-9


@pytest.mark.parametrize("kernel", [Gaussian(1.0), Laplace(1.0)], ids=["gaussian", "laplace"])
def test_its_slowest_frequency_is_faster_than_that_of_the_exponential_sweep(kernel: Spectral) -> None:
    peak = np.sqrt(2) if isinstance(kernel, Gaussian) else np.sqrt(2 / 3)  # of the rate, in two dimensions
    k, steps = np.geomspace(peak, 10 * peak, 50), range(1000)

    def slowest(schedule) -> float:
        return float(np.mean([kernel.rate(schedule(step) * k, 2) for step in steps], axis=0).min())

    assert slowest(Optimal(0.1, 1000, kernel, 2)) > slowest(Exponential(0.1, 1000))


def test_the_bandwidth_of_the_kernel_does_not_matter() -> None:
    few, many = (Optimal(0.1, 100, Laplace(bandwidth), 2) for bandwidth in (0.1, 7.0))
    assert [few(step) for step in range(100)] == pytest.approx([many(step) for step in range(100)], rel=1e-6)


def test_the_settings_build_it() -> None:
    schedule = chosen("schedule", "optimal", floor=0.25, steps=40, kernel="laplace", dimension=2).made()
    assert repr(schedule) == "Optimal(floor=0.25, steps=40, kernel=Laplace(bandwidth=1.0), dimension=2)"


def test_a_run_trains_with_it(tmp_path: Path) -> None:
    assert train(tmp_path, "schedule=optimal", "kernel=gaussian") == 0
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["bandwidth"] == pytest.approx(0.1)
    assert rows[-1]["bandwidth"] == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("kernel=mixture", 'schedule.kernel must be one of gaussian, laplace, matern32, matern52, got "mixture".'),
        ("schedule.floor=0.9", "schedule.floor must be from 0.0001 to 0.8, got 0.9."),
        ("schedule.floor=0", "schedule.floor must be above 0 and at most 1, got 0.0."),
        ("schedule.dimension=0", "schedule.dimension must be at least 1, got 0."),
        ("schedule.steps=0", "schedule.steps must be at least 1, got 0."),
    ],
)
def test_it_refuses_what_it_cannot_be(setting: str, told: str, refusal) -> None:
    assert refusal("train", "schedule=optimal", setting) == told
