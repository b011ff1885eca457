from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.kernels import Gaussian, Laplace, Power, Weighted
from drift_cli.theory.radial import check, decompose
from tests.problems.kernels import BANDWIDTH, KERNELS
from tests.problems.smoothed import kde_score

ROUNDING = 1e-12  # sums of a few hundred float64 terms, in units of the mean distance


def points(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class WrongWeight(Laplace):
    """A Laplace kernel that claims the weight of the Gaussian."""

    def weight(self, r: torch.Tensor) -> torch.Tensor:
        return Gaussian(self.bandwidth).weight(r)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([*KERNELS.values(), Power(Laplace(BANDWIDTH), 2.0)]),
    st.integers(1, 40),
    st.floats(0.3, 3.0),
    st.integers(0, 999),
)
def test_mean_shift_is_preconditioned_score_plus_covariance(
    kernel: Weighted, dimension: int, factor: float, seed: int
) -> None:
    x, y, log_weights = points(5, dimension, seed), points(80, dimension, seed + 1), points(80, 1, seed + 2)[:, 0]
    assert check(kernel.scaled(factor * dimension**0.5), x, y, log_weights).identity < ROUNDING


def test_the_gaussian_kernel_alone_has_no_covariance() -> None:
    x, y = points(20, 3, 1), points(200, 3, 2)
    assert check(Gaussian(0.7), x, y).covariance < ROUNDING
    for name in set(KERNELS) - {"gaussian"}:
        assert check(KERNELS[name], x, y).covariance > 1e-3


def test_a_wrong_weight_breaks_the_identity() -> None:
    assert check(WrongWeight(0.7), points(20, 3, 1), points(200, 3, 2)).identity > 0.01


def test_the_score_is_that_of_the_smoothed_points() -> None:
    x, y = points(10, 2, 1), points(100, 2, 2)
    torch.testing.assert_close(decompose(Gaussian(0.5), x, y).score, kde_score(x, y, 0.5), rtol=0, atol=ROUNDING)


def test_the_laplace_parts_are_the_written_ones() -> None:
    x, y, tau = points(1, 4, 1), points(60, 4, 2), 0.6
    parts = decompose(Laplace(tau), x, y)
    toward = y - x
    r = toward.norm(dim=1)
    share = torch.softmax(-r / tau, dim=0)
    unit = toward / r[:, None]
    covariance = share @ (r[:, None] * unit) - (share @ r) * (share @ unit)
    torch.testing.assert_close(parts.preconditioner[0], tau * (share @ r))
    torch.testing.assert_close(parts.covariance[0], covariance, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(parts.effective[0], 1 / share.square().sum())


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_point_on_the_query_has_no_direction(name: str) -> None:
    y = points(30, 2)
    parts = decompose(KERNELS[name], y[:4], y)  # type: ignore[arg-type]
    recomposed = parts.preconditioner[:, None] * parts.score + parts.covariance
    assert torch.isfinite(recomposed).all()
