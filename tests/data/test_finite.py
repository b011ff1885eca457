from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from drift_cli.data import Space
from drift_cli.data.digits import Digits
from drift_cli.data.mnist5k import Mnist5k
from drift_cli.data.target import Finite


def numbered(size: int, d: int = 1) -> Finite:
    """A set whose points and labels are the numbers of their rows."""
    rows = torch.arange(size)
    return Finite(rows.double().unsqueeze(1).repeat(1, d), rows, Space.unit(d))


@pytest.mark.parametrize(("size", "n", "drawn"), [(10, 6, 6), (10, 10, 10), (10, 99, 10), (1000, 60, 60), (1000, 0, 0)])
def test_a_batch_holds_distinct_points_with_their_labels(size: int, n: int, drawn: int, rng: torch.Generator) -> None:
    batch = numbered(size).sample(n, rng, torch.float32)
    assert batch.labels is not None
    assert len(batch.points) == len(batch.points.unique()) == drawn
    assert torch.equal(batch.points.squeeze(1).long(), batch.labels)
    assert batch.points.dtype == torch.float32


@pytest.mark.parametrize("size", [100, 10_000])
def test_a_batch_is_a_function_of_the_generator(size: int) -> None:
    target, again = numbered(size), numbered(size)
    again.sample(5, torch.Generator().manual_seed(7), torch.float64)  # what was drawn before leaves no trace
    first, second = (one.sample(90, torch.Generator().manual_seed(8), torch.float64) for one in (target, again))
    assert torch.equal(first.points, second.points)
    other = target.sample(90, torch.Generator().manual_seed(9), torch.float64)
    assert not torch.equal(first.points, other.points)


def test_the_set_is_cast_once_for_each_type(rng: torch.Generator) -> None:
    target = numbered(1000)
    assert target.sample(3, rng, torch.float64).points.dtype == torch.float64
    assert target.sample(3, rng, torch.float32).points.dtype == torch.float32
    device = torch.device("cpu")
    assert target._on(device, torch.float32) is target._on(device, torch.float32)
    assert target._on(device, torch.float64).points is target.points  # where nothing is to be cast, no copy


def test_a_batch_costs_the_same_of_a_hundred_times_as_many_points(rng: torch.Generator) -> None:
    def least(target: Finite) -> float:
        seconds = []
        for _ in range(30):
            began = time.perf_counter()
            target.sample(256, rng, torch.float32)
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    # Measured 1.3; to cast and permute the whole set costs hundreds of times as much.
    assert least(numbered(1_000_000, 2)) < 20 * least(numbered(10_000, 2))


def test_columns_come_to_unit_size_and_back() -> None:
    points = np.random.default_rng(0).normal([5, -300, 7], [1e-3, 50, 0], (400, 3))
    space = Space.of_columns(points, ("a", "b", "constant"))
    scaled = torch.from_numpy(space.from_units(points))
    assert float(scaled.square().sum(1).mean().sqrt()) == pytest.approx((2 / 3) ** 0.5)  # 2 of 3 columns vary
    np.testing.assert_allclose(space.to_units(scaled), points, rtol=1e-12)
    assert Space.from_dict(space.as_dict()) == space


@pytest.mark.parametrize(("kind", "count", "shape"), [(Digits, 1797, (8, 8)), (Mnist5k, 5000, (28, 28))])
def test_images_are_the_real_ones(kind, count: int, shape: tuple[int, int]) -> None:
    found = kind(labels=True).images()
    assert found.pixels.shape == (count, shape[0] * shape[1])
    assert found.pixels.min() == 0
    assert found.pixels.max() == 1
    assert set(found.labels) == set(range(10))
    assert np.unique(found.pixels, axis=0).shape[0] > 0.99 * count


def test_images_have_unit_size_and_keep_their_pixels() -> None:
    target = Digits(labels=True).target()
    assert isinstance(target, Finite)
    assert float(target.points.square().sum(1).mean().sqrt()) == pytest.approx(1)
    np.testing.assert_allclose(target.space.to_units(target.points), Digits(labels=True).images().pixels, atol=1e-12)
    assert sum(target.space.class_frequencies or ()) == pytest.approx(1)
    assert Digits(labels=False).target().space.class_frequencies is None
