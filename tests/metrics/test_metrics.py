from __future__ import annotations

import math

import numpy as np
import ot
import pytest
import torch

from drift_cli.kernels import Gaussian, Laplace
from drift_cli.metrics import sliced_wasserstein as sw
from drift_cli.metrics.effective_sample_size import effective_sample_size
from drift_cli.metrics.marginals import marginals
from drift_cli.metrics.sliced_wasserstein import directions, distances_to, sliced_wasserstein
from drift_cli.metrics.spread import is_collapsed, spread


def theta(count: int, dimension: int, rng: torch.Generator) -> torch.Tensor:
    return directions(count, dimension, rng, torch.float64)


def test_sw_agrees_with_pot(plane, rng: torch.Generator) -> None:
    x, y, rays = plane(300, 3), 1.5 * plane(300, 3) + 0.2, theta(50, 3, rng)
    theirs = ot.sliced_wasserstein_distance(x.numpy(), y.numpy(), projections=rays.T.numpy(), p=2)
    assert sliced_wasserstein(x, y, rays) == pytest.approx(theirs, rel=1e-10)


def test_sw_of_a_translation_is_the_mean_square_projection(plane, rng: torch.Generator) -> None:
    x, shift, rays = plane(200), torch.tensor([0.3, -1.1], dtype=torch.float64), theta(400, 2, rng)
    expected = math.sqrt(float((rays @ shift).square().mean()))
    assert sliced_wasserstein(x, x + shift, rays) == pytest.approx(expected, rel=1e-12)
    # over all directions the mean square projection is |c|²/d; 400 of them leave about 4 %
    assert expected**2 == pytest.approx(float(shift.square().sum()) / 2, rel=0.15)


def test_sw_does_not_know_the_order_of_points(plane, rng: torch.Generator) -> None:
    x, y, rays = plane(100), plane(100), theta(20, 2, rng)
    assert sliced_wasserstein(x, y[torch.randperm(100)], rays) == pytest.approx(sliced_wasserstein(x, y, rays))
    assert sliced_wasserstein(x, x.flip(0), rays) == pytest.approx(0, abs=1e-15)  # a product rounds by row


def test_two_sizes_are_refused(plane, rng: torch.Generator) -> None:
    with pytest.raises(ValueError, match="one size, got 10 and 11"):
        sliced_wasserstein(plane(10), plane(11), theta(3, 2, rng))


@pytest.mark.parametrize("count", [1, 7, 200])
def test_several_samples_have_the_distances_of_each_alone(count: int, plane, rng: torch.Generator) -> None:
    y, samples, rays = plane(150, 3), [plane(150, 3), 2 * plane(150, 3), plane(150, 3) + 1], theta(count, 3, rng)
    kept = [points.clone() for points in (y, *samples)]
    assert distances_to(y, samples, rays) == [sliced_wasserstein(x, y, rays) for x in samples]
    assert all(torch.equal(*pair) for pair in zip(kept, (y, *samples), strict=True))  # what is sorted is a copy


def test_sw_is_the_same_however_the_directions_are_shared(
    plane, rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over threads the same bits; in other portions the product may round otherwise, by rows."""
    x, y, rays = plane(500), plane(500), theta(37, 2, rng)
    before = torch.get_num_threads()
    found = set()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.add(sliced_wasserstein(x, y, rays))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1
    for at_once in (1, 499, 5_000):
        monkeypatch.setattr(sw, "_AT_ONCE", at_once)
        assert sliced_wasserstein(x, y, rays) == pytest.approx(found.copy().pop(), rel=1e-13)


def test_sw_in_float32_is_that_in_float64(plane, rng: torch.Generator) -> None:
    x, y, rays = plane(2_000), 1.2 * plane(2_000), theta(100, 2, rng)
    exact = sliced_wasserstein(x, y, rays)
    assert sliced_wasserstein(x.float(), y.float(), rays.float()) == pytest.approx(exact, rel=1e-5)


def test_a_device_has_the_distances_of_the_cpu(plane, rng: torch.Generator) -> None:
    y, samples, rays = plane(300), [plane(300), plane(300) + 1], theta(40, 2, rng)
    squares = sw._on_a_device([y, *samples], rays).sum(dim=1) / (300 * 40)
    assert squares.sqrt().tolist() == pytest.approx(distances_to(y, samples, rays), rel=1e-13)


def test_effective_sample_size_goes_from_one_to_all(plane) -> None:
    x, data = plane(20), plane(100)
    torch.testing.assert_close(effective_sample_size(Laplace(1e6), x, data), torch.full((20,), 100.0).double())
    torch.testing.assert_close(effective_sample_size(Gaussian(1e-4), x, data), torch.ones(20).double())


def test_two_equal_weights_count_as_two() -> None:
    x = torch.zeros(1, 2, dtype=torch.float64)
    data = torch.tensor([[0.1, 0.0], [0.0, 0.1], [50.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(effective_sample_size(Laplace(0.1), x, data), torch.tensor([2.0]).double())


def test_a_point_is_collapsed_and_the_target_is_not(plane) -> None:
    x = plane(500)
    assert spread(x) == pytest.approx(math.sqrt(2), rel=0.1)
    assert is_collapsed(x / 100, spread(x))
    assert not is_collapsed(x / 10, spread(x))


def test_marginals_summarise_each_column() -> None:
    data = np.stack([np.arange(101.0), np.full(101, 7.0)], axis=1)
    first, second = marginals(("a", "b"), data, data + 1)
    assert first.data == pytest.approx((50, data[:, 0].std(), 5, 50, 95))
    assert second.generated == pytest.approx((8, 0, 8, 8, 8))
