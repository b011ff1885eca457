"""The gradients that `what=paths` measures are those of the losses."""

from __future__ import annotations

import pytest
import torch

from drift_cli.commands.bench import contestants
from drift_cli.commands.bench.path_gradients import path_gradients
from drift_cli.commands.bench.references import references

_TAU = 0.4


@pytest.mark.parametrize(("d", "tolerance"), [(2, 1e-12), (9, 1e-11)])
def test_contestants_have_the_gradient_of_the_reference(d: int, tolerance: float, plane) -> None:
    """In float64: rounding. The naive form takes distances from a product, where half the digits of a point's distance
    to itself are lost: 1e-8, which was measured to cost the gradient 1e-7.
    """
    x, data = plane(600, d), plane(600, d)  # more than the rows of a block of the reference
    right = path_gradients(x, data, _TAU)
    found = {who: function(x, data, _TAU) for who, function in contestants.installed("paths").items()}
    assert set(found) == set(right)
    for who, gradient in found.items():
        error = float((gradient - right[who]).norm() / right[who].norm())
        assert error < (1e-6 if who == "naive" else tolerance), who


def test_paths_differ(plane) -> None:
    """The control of the test above: any two gradients are further apart than 1 %, but those of one loss."""
    right = path_gradients(plane(50), plane(50), _TAU)
    names = ["stop-gradient", "query", "samples", "both"]
    for k, one in enumerate(names):
        for other in names[:k]:
            assert (right[one] - right[other]).norm() > 0.01 * right[other].norm()


def test_the_reference_is_the_derivative_of_the_loss(plane) -> None:
    """Central differences of |V|², V written out as sums over pairs: exact to about h² = 1e-10 times a few."""
    x, data, h = plane(7), plane(8), 1e-5

    def loss(points: torch.Tensor) -> torch.Tensor:
        def mean(others: torch.Tensor) -> torch.Tensor:
            weights = torch.exp(-(points[:, None] - others[None]).norm(dim=2) / _TAU)
            return weights @ others / weights.sum(dim=1, keepdim=True)

        return (mean(data) - mean(points)).square().sum(dim=1).mean()

    slopes = torch.empty_like(x)
    for i in range(len(x)):
        for k in range(2):
            step = torch.zeros_like(x)
            step[i, k] = h
            slopes[i, k] = (loss(x + step) - loss(x - step)) / (2 * h)
    torch.testing.assert_close(path_gradients(x, data, _TAU)["both"], slopes, rtol=0, atol=1e-8)


def test_points_in_one_place_have_finite_gradients(plane) -> None:
    """Where a distance is zero, off the diagonal too, torch's derivative could be 0/0."""
    x = plane(40)
    x[1] = x[0]
    for who, function in contestants.installed("paths").items():
        assert function(x, x.clone(), _TAU).isfinite().all(), who


def test_many_points_have_no_reference(plane) -> None:
    assert references("paths", plane(4097), plane(2), _TAU) == {}
