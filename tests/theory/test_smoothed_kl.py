from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drift_cli.kernels import Gaussian
from drift_cli.theory import torus_flow
from drift_cli.theory.descent import quadrature_energy
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import (
    drift_velocity,
    gap,
    noised_velocity,
    sampled_velocity,
    smoothed,
    smoothed_kl,
)
from tests.problems.smoothed import kde_score


def target(dimension: int = 1) -> GaussianMixture:
    means = torch.tensor([[-1.0, 0.3], [1.5, 0.0]], dtype=torch.float64)[:, :dimension]
    weights, variances = torch.tensor([[0.6, 0.4], [0.25, 0.16]], dtype=torch.float64)
    return GaussianMixture(weights, means, variances)


def particles(count: int, dimension: int, seed: int) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20), st.floats(0.15, 2.0), st.integers(0, 999))
def test_the_first_variation_is_the_smoothed_drift(count: int, sigma: float, seed: int) -> None:
    """1e-12: both are trapezoid sums, off by e^{−2πb/h} for the nearest zero of a density at height b."""
    x = particles(count, 1, seed)
    exact = smoothed_kl(target(), sigma, x, 24).velocity(x)
    assert apart(noised_velocity(target(), sigma, x, x, 24), exact) < 1e-12


def test_so_it_is_in_the_plane() -> None:
    x = particles(4, 2, 0)
    exact = smoothed_kl(target(2), 0.6, x, 8).velocity(x)
    assert apart(noised_velocity(target(2), 0.6, x, x, 8), exact) < 1e-12


def test_the_drift_itself_is_another_field() -> None:
    x = particles(30, 1, 0)
    exact = smoothed_kl(target(), 0.5, x, 16).velocity(x)
    assert apart(drift_velocity(target(), 0.5, x, x), exact) > 0.1


def test_the_energy_is_that_of_an_adaptive_quadrature() -> None:
    """1e-10: the tolerance of the adaptive rule, with room."""
    x = particles(6, 1, 3)
    mine = float(smoothed_kl(target(), 0.4, x, 16).energy(x))
    assert mine == pytest.approx(quadrature_energy(target(), 0.4, x[:, 0].numpy()), abs=1e-10)


def test_the_energy_of_one_particle_and_one_mode_is_closed() -> None:
    """KL(N(a, σ²) ‖ N(b, s² + σ²)) in closed form."""
    one = torch.ones(1, dtype=torch.float64)
    p, x, sigma = GaussianMixture(one, 0.7 * one[:, None], 0.3 * one), torch.tensor([[-0.4]]).double(), 0.6
    wide = 0.3 + sigma**2
    expected = 0.5 * (np.log(wide / sigma**2) + (sigma**2 + (float(x) - 0.7) ** 2) / wide - 1)
    assert float(smoothed_kl(p, sigma, x, 16).energy(x)) == pytest.approx(expected, abs=1e-12)


def test_the_drift_velocity_is_a_difference_of_scores() -> None:
    x, at = particles(9, 2, 1), particles(5, 2, 2)
    score = target(2).smoothed(0.5).score(at) - kde_score(at, x, 0.5)
    torch.testing.assert_close(drift_velocity(target(2), 0.5, x, at), score, rtol=0, atol=1e-11)


def test_smoothing_multiplies_a_wave_by_the_kernels_transform() -> None:
    x = torch.linspace(-2, 2, 7, dtype=torch.float64)[:, None]
    found = smoothed(lambda z: torch.sin(3 * z), 0.5, x, 8)
    torch.testing.assert_close(found, np.exp(-((0.5 * 3) ** 2) / 2) * torch.sin(3 * x), rtol=0, atol=1e-13)


def test_noised_queries_have_the_exact_velocity_as_their_mean() -> None:
    """The rms of 40 deviations in standard errors: 1 up to 0.11, so 1.5 is beyond four of these. The drift fails."""
    x, generator = particles(40, 1, 5), torch.Generator().manual_seed(0)
    exact = smoothed_kl(target(), 0.5, x, 16).velocity(x)
    found, error = sampled_velocity(lambda z: drift_velocity(target(), 0.5, x, z), 0.5, x, 2000, generator)
    assert float(((found - exact) / error).square().mean().sqrt()) < 1.5
    plain = drift_velocity(target(), 0.5, x, x)
    assert float(((plain - exact) / error).square().mean().sqrt()) > 5


def broad() -> GaussianMixture:
    one = torch.ones(1, dtype=torch.float64)
    return GaussianMixture(one, 0.2 * one[:, None], one)


def test_the_gap_is_of_second_order_and_within_its_bound() -> None:
    x = torch.linspace(-5, 5, 301, dtype=torch.float64)[:, None]
    fine, finer = (gap(target(), broad(), sigma, x, 8) for sigma in (0.02, 0.01))
    # 0.05: the next term is of relative order σ² over the modes' variance, about 0.3 %
    assert np.log2(fine.sup / finer.sup) == pytest.approx(2, abs=0.05)
    assert np.log2(fine.norm / finer.norm) == pytest.approx(2, abs=0.05)
    assert all(each.sup <= each.bound for each in (fine, finer, gap(target(), broad(), 0.5, x, 8)))
    assert finer.sup > 0.9 * finer.bound  # the bound's constant is the right one


def test_wide_bandwidths_are_not_in_the_regime_of_second_order() -> None:
    x = torch.linspace(-5, 5, 301, dtype=torch.float64)[:, None]
    wide, narrow = (gap(target(), broad(), sigma, x, 8) for sigma in (0.4, 0.2))
    assert np.log2(wide.sup / narrow.sup) < 1
    assert wide.relative > 0.2


def test_each_mode_decays_more_slowly_under_the_exact_velocity() -> None:
    torus, modes = torus_flow.Torus(64, 1), np.array([[1.0], [2.0], [3.0]])
    kernel = torus_flow.periodic(Gaussian(0.6), torus)
    uniform = np.full(64, 1 / torus_flow.PERIOD)
    rates = []
    for velocity in (torus_flow.drift(kernel, uniform), torus_flow.smoothed_drift(kernel, uniform)):
        found = torus_flow.follow(torus, velocity, modes, 1e-4, 1.0, 20)
        rates.append(-np.log(np.abs(found.amplitudes[-1] / found.amplitudes[0])))
    # 1e-6: of second order in the amplitude, 1e-8, with room
    np.testing.assert_allclose(1 - rates[1] / rates[0], 1 - np.exp(-0.18 * modes[:, 0] ** 2), rtol=0, atol=1e-6)
