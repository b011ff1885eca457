from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drift_cli import kernels
from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Laplace
from drift_cli.theory.curl import curl_fraction, differentiable, jacobians

_ROTATION = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)


def points(seed: int, n: int = 40) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fraction(field, x: torch.Tensor) -> float:
    return curl_fraction(jacobians(field, x, 1e-4, list(range(10))))


def test_a_gradient_has_none_and_a_rotation_nothing_else() -> None:
    x = points(0)
    gradient = torch.func.vmap(torch.func.grad(lambda z: torch.sin(z[0]) * z[1] + z[0] ** 2 * z[1]))
    # Central differences are off by step² times third derivatives of order one: 1e-8; rounding adds 1e-16/1e-4.
    assert fraction(gradient, x) < 1e-7
    assert fraction(lambda z: z @ _ROTATION.T, x) == pytest.approx(1, abs=1e-9)


@given(st.floats(-3, 3), st.floats(0.1, 3))
def test_of_a_sum_it_is_the_share_of_each(curl: float, stretch: float) -> None:
    """V = (c R + s I) x has |A|² = 2c² and |J|² = 2(c² + s²)."""
    found = fraction(lambda z: curl * z @ _ROTATION.T + stretch * z, points(1))
    assert found == pytest.approx(abs(curl) / math.hypot(curl, stretch), abs=1e-8)


def test_a_sample_is_moved_and_the_others_stay() -> None:
    """V_i = x_i + 5 mean(x): of its own place alone, 1 + 5/n."""
    x = points(2)
    found = jacobians(lambda z: z + 5 * z.mean(dim=0), x, 1e-4, [3])
    expected = torch.eye(2, dtype=torch.float64)[None] * (1 + 5 / len(x))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)  # linear: rounding alone


@pytest.mark.parametrize("self_term", ["include", "exclude"])
def test_the_gaussian_mean_shift_is_a_gradient_and_the_laplace_one_is_not(self_term: str) -> None:
    x, y = points(3), points(4) + 0.5

    def of(kernel: kernels.Kernel) -> float:
        return fraction(lambda z: MeanShift(self_term)(kernel, z, y, z, paired=True), x)

    assert of(Gaussian(0.7)) < 1e-6  # step² times third derivatives, 1/σ² each
    assert of(Laplace(0.7)) > 0.01


def test_all_places_at_once_are_each_by_itself_where_they_are_alone() -> None:
    x = points(5)
    field = torch.func.vmap(lambda z: torch.stack([z[0] * z[1], torch.sin(z[0])]))
    together = jacobians(field, x, 1e-4)
    torch.testing.assert_close(together[[7, 2]], jacobians(field, x, 1e-4, [7, 2]), rtol=0, atol=1e-12)


def test_a_field_that_jumps_has_no_jacobian() -> None:
    x = points(6)

    def steps(field) -> tuple[torch.Tensor, torch.Tensor]:
        return jacobians(field, x, 1e-3), jacobians(field, x, 5e-4)

    assert differentiable(*steps(torch.sin))
    assert not differentiable(*steps(lambda z: z + 0.01 * torch.floor(317 * z[:, :1])))


def test_no_change_has_no_share() -> None:
    assert math.isnan(curl_fraction(torch.zeros(3, 2, 2)))
