from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drift_cli.theory.noised_query import Clouds, clouds, standard_normal
from tests.problems.smoothed import kde_score

NODES = 321


def two(dimension: int, count: int, sigma: float, seed: int) -> tuple[Clouds, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return clouds(dimension, count, sigma, generator), torch.randn(4, dimension, generator=generator).double()


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.floats(0.5, 2.0), st.integers(0, 999))
def test_the_noised_drift_is_dmds_direction(count: int, sigma: float, seed: int) -> None:
    """1e-10: the grid's own error, e^{−2πb/h} for the nearest complex zero of a density at height b."""
    found, x = two(1, count, sigma, seed)
    assert apart(found.noised_drift(x, NODES), found.dmd_direction(x, NODES)) < 1e-10


def test_the_same_in_the_plane() -> None:
    found, x = two(2, 4, 0.6, 0)
    assert apart(found.noised_drift(x, 201), found.dmd_direction(x, 201)) < 1e-10


def test_the_drift_at_the_query_is_another_direction() -> None:
    found, x = two(1, 5, 0.6, 0)
    assert apart(found.drift(x) / found.bandwidth**2, found.dmd_direction(x, NODES)) > 0.01


def test_a_coarse_grid_is_seen() -> None:
    found, x = two(1, 5, 0.6, 0)
    assert apart(found.noised_drift(x, 15), found.noised_drift(x, NODES)) > 1e-6


def test_it_is_the_velocity_of_the_smoothed_divergence() -> None:
    """−∂F/∂x_i over the weight of x_i, by automatic differentiation of KL(q_σ ‖ p_σ) summed over a grid."""
    found, _ = two(1, 4, 0.7, 3)
    grid = torch.linspace(-14, 14, 4001, dtype=torch.float64)[:, None]
    q = found.q.clone().requires_grad_(True)

    def log_density(points: Tensor, log_weights: Tensor) -> Tensor:
        return torch.logsumexp(log_weights - (grid - points.T).square() / (2 * found.bandwidth**2), dim=1)

    log_q, log_p = log_density(q, found.q_log_weights), log_density(found.p, found.p_log_weights)
    normalising = (2 * torch.pi * found.bandwidth**2) ** 0.5
    divergence = (log_q.exp() * (log_q - log_p)).sum() * (28 / 4000) / normalising
    (slope,) = torch.autograd.grad(divergence, q)
    velocity = -slope / found.q_log_weights.exp()[:, None]
    assert apart(found.noised_drift(found.q, NODES), velocity) < 1e-10


def test_log_ratio_and_drift_belong_together() -> None:
    found, x = two(2, 3, 0.8, 1)
    flat = torch.full_like(found.p_log_weights, -torch.tensor(3.0).log())
    even = Clouds(found.p, flat, found.q, flat, found.bandwidth)
    score = kde_score(x, found.p, 0.8) - kde_score(x, found.q, 0.8)
    torch.testing.assert_close(even.drift(x), 0.8**2 * score, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dimension", [1, 2])
def test_the_grid_integrates_the_normal(dimension: int) -> None:
    noise, weights = standard_normal(dimension, 121)
    second = torch.einsum("n,nd,ne->de", weights, noise, noise)
    torch.testing.assert_close(second, torch.eye(dimension, dtype=torch.float64), rtol=0, atol=1e-12)
