from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drift_cli.theory.jko import NotSolved, derivatives, duality_gap, flow, jko_step, optimal_map, wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import SmoothedKL, drift_velocity, smoothed_kl


def target() -> GaussianMixture:
    weights, means, variances = torch.tensor([[0.6, 0.4], [-1.0, 1.5], [0.25, 0.16]], dtype=torch.float64)
    return GaussianMixture(weights, means[:, None], variances)


def quantiles(count: int = 30) -> Tensor:
    share = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return 1 + 0.7 * torch.special.ndtri(share)


def energy_of(y: Tensor, sigma: float = 0.5) -> SmoothedKL:
    return smoothed_kl(target(), sigma, y[:, None], 12)


def objective(energy: SmoothedKL, x: Tensor, y: Tensor, tau: float) -> float:
    return float(energy.energy(x[:, None])) + wasserstein(x, y) ** 2 / (2 * tau)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 8), st.floats(0.2, 1.5), st.integers(0, 999))
def test_derivatives_are_those_of_autograd(count: int, sigma: float, seed: int) -> None:
    x = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    energy = smoothed_kl(target(), sigma, x[:, None], 12)
    slope, bend = derivatives(energy, x)
    hessian = torch.autograd.functional.hessian(lambda z: energy.energy(z[:, None]), x)
    torch.testing.assert_close(slope, -energy.velocity(x[:, None])[:, 0], rtol=0, atol=1e-11)
    torch.testing.assert_close(bend, count * hessian, rtol=0, atol=1e-9 / sigma**2)


@pytest.mark.parametrize("tau", [1e-4, 0.1, 2.0])
def test_a_step_solves_the_optimality_condition_and_lowers_the_objective(tau: float) -> None:
    y = quantiles()
    energy = energy_of(y)
    found = jko_step(energy, y, tau)
    assert found.residual <= 1e-10
    assert found.curvature > 0  # a minimum, not a saddle
    assert bool((found.x.diff() >= 0).all())
    assert objective(energy, found.x, y, tau) < objective(energy, y, y, tau)
    nearby = found.x + 0.01 * torch.randn(len(y), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert objective(energy, found.x, y, tau) < objective(energy, nearby, y, tau)


def test_the_minimiser_does_not_depend_on_the_guess() -> None:
    """1e-9: the residual 1e-10 times τ over the least curvature."""
    y = quantiles()
    guess = torch.randn(len(y), generator=torch.Generator().manual_seed(1), dtype=torch.float64).sort().values
    energy = energy_of(y)
    assert wasserstein(jko_step(energy, y, 0.1).x, jko_step(energy, y, 0.1, guess=guess).x) < 1e-9


def test_a_residual_out_of_reach_is_told() -> None:
    y = quantiles()
    with pytest.raises(NotSolved, match="residual"):
        jko_step(energy_of(y), y, 0.1, tolerance=1e-30)


def test_orders_of_the_explicit_steps() -> None:
    """2 for the frozen field, 1 for the plain drift: 0.05 for the next term, of relative order τ/σ² = 0.01."""
    y = quantiles()
    energy = energy_of(y)
    v = energy.velocity(y[:, None])[:, 0]
    u = drift_velocity(target(), 0.5, y[:, None], y[:, None])[:, 0]
    distances = []
    for tau in (1e-3, 2e-3):
        x = jko_step(energy, y, tau).x
        distances.append([wasserstein(x, y + tau * field) for field in (v, u)])
    orders = np.log2(np.array(distances[1]) / np.array(distances[0]))
    np.testing.assert_allclose(orders, [2, 1], rtol=0, atol=0.05)


def test_long_jko_steps_descend_where_explicit_ones_do_not() -> None:
    y = quantiles()
    energy, tau = energy_of(y), 3.0
    x, values = y, [float(energy.energy(y[:, None]))]
    for _ in range(5):
        x = jko_step(energy, x, tau).x
        values.append(float(energy.energy(x[:, None])))
    assert np.diff(values).max() < 0
    explicit = y + tau * energy.velocity(y[:, None])[:, 0]
    again = energy_of(explicit)
    explicit = explicit + tau * again.velocity(explicit[:, None])[:, 0]
    assert float(energy_of(explicit).energy(explicit[:, None])) > values[0]


def test_repeated_steps_tend_to_the_flow() -> None:
    y = quantiles()
    energy = energy_of(y)
    end, distances = flow(energy, y, np.array([0.0, 1.0]))[-1], []
    for steps in (16, 32):
        x = y
        for _ in range(steps):
            x = jko_step(energy, x, 1 / steps).x
        distances.append(wasserstein(x, end))
    # implicit Euler: order 1 up to terms of relative order τ times the fastest rate, about 0.1
    assert np.log2(distances[0] / distances[1]) == pytest.approx(1, abs=0.1)


def test_the_distance_pairs_quantiles() -> None:
    x = torch.tensor([3.0, 1.0, 2.0])
    assert wasserstein(x, torch.tensor([1.0, 2.0, 3.0])) == 0
    assert wasserstein(x, x + 0.5) == pytest.approx(0.5)


def test_the_optimal_map_knows_of_no_order() -> None:
    x = torch.tensor([0.2, 3.0, -1.0], dtype=torch.float64)
    y = torch.tensor([5.0, -2.0, 1.0], dtype=torch.float64)
    assert optimal_map(x, y).tolist() == [1.0, 5.0, -2.0]


def test_the_duality_gap_is_none_at_a_step_and_some_elsewhere() -> None:
    """1e-6: the parabola through places σ/50 apart, in nats; the frozen-field step is 8e-4 short."""
    y, tau = quantiles(), 0.1
    energy = energy_of(y)
    x = jko_step(energy, y, tau).x
    assert abs(duality_gap(energy, x, y, tau, energy.domain)) < 1e-6
    frozen = y + tau * energy.velocity(y[:, None])[:, 0]
    for other in (frozen, y, x + 0.05):
        gap = duality_gap(energy, other, y, tau, energy.domain)
        assert gap >= objective(energy, other, y, tau) - objective(energy, x, y, tau) > 0  # it bounds what is lost


def test_the_duality_gap_finds_points_that_would_rather_split() -> None:
    """By symmetry a point in the middle between two modes stays there; half of it in each mode has a lower J."""
    p = GaussianMixture(*torch.tensor([[0.5, 0.5], [-2.0, 2.0], [0.01, 0.01]], dtype=torch.float64).unbind())
    p = GaussianMixture(p.weights, p.means[:, None], p.variances)
    y, tau = torch.zeros(2, dtype=torch.float64), 10.0
    energy = smoothed_kl(p, 0.5, y[:, None], 12)
    split = torch.tensor([-2.0, 2.0], dtype=torch.float64)
    lower = objective(energy, y, y, tau) - objective(energy, split, y, tau)
    assert duality_gap(energy, y, y, tau, energy.domain) >= lower > 0.1
    assert abs(duality_gap(energy, y, y, 1e-3, energy.domain)) < 1e-6  # too short a step to reach them
