from __future__ import annotations

import numpy as np
import pytest
import torch

from drift_cli import data
from drift_cli.config import dataset as settings
from drift_cli.data import Space, images
from drift_cli.data.target import Finite


def test_a_finite_set_is_drawn_without_repetition(rng: torch.Generator) -> None:
    target = Finite(torch.arange(10.0).unsqueeze(1), torch.arange(10), Space.unit(1))
    batch = target.sample(6, rng, torch.float32)
    assert len(batch.points.unique()) == 6
    assert batch.labels is not None
    assert torch.equal(batch.points.squeeze(1).long(), batch.labels)  # points keep their labels
    assert len(target.sample(99, rng, torch.float32).points) == 10


def test_columns_come_to_unit_size_and_back() -> None:
    points = np.random.default_rng(0).normal([5, -300, 7], [1e-3, 50, 0], (400, 3))
    space = Space.of_columns(points, ("a", "b", "constant"))
    scaled = torch.from_numpy(space.from_units(points))
    assert float(scaled.square().sum(1).mean().sqrt()) == pytest.approx((2 / 3) ** 0.5)  # 2 of 3 columns vary
    np.testing.assert_allclose(space.to_units(scaled), points, rtol=1e-12)
    assert Space.from_dict(space.as_dict()) == space


@pytest.mark.parametrize(("load", "count", "shape"), [(images.digits, 1797, (8, 8)), (images.mnist5k, 5000, (28, 28))])
def test_images_are_the_real_ones(load, count: int, shape: tuple[int, int]) -> None:
    found = load()
    assert found.pixels.shape == (count, shape[0] * shape[1])
    assert found.pixels.min() == 0
    assert found.pixels.max() == 1
    assert set(found.labels) == set(range(10))
    assert np.unique(found.pixels, axis=0).shape[0] > 0.99 * count


def test_images_have_unit_size_and_keep_their_pixels() -> None:
    target = data.build(settings.DigitsConfig(labels=True))
    assert isinstance(target, Finite)
    assert float(target.points.square().sum(1).mean().sqrt()) == pytest.approx(1)
    np.testing.assert_allclose(target.space.to_units(target.points), images.digits().pixels, atol=1e-12)
    assert sum(target.space.class_frequencies or ()) == pytest.approx(1)
    assert data.build(settings.DigitsConfig(labels=False)).space.class_frequencies is None
