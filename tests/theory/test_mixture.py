"""Gaussian mixtures in closed form, against quadrature and automatic differentiation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from drift_cli.theory import mixture
from drift_cli.theory.mixture import GaussianMixture


@st.composite
def mixtures(draw: st.DrawFn) -> GaussianMixture:
    modes, d = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    weights = torch.rand(modes, generator=generator, dtype=torch.float64) + 0.1
    means = 2 * torch.randn(modes, d, generator=generator, dtype=torch.float64)
    return GaussianMixture(weights / weights.sum(), means, torch.rand(modes, generator=generator).double() + 0.05)


@settings(deadline=None, max_examples=40)
@given(p=mixtures(), bandwidth=st.floats(0.05, 3.0), seed=st.integers(0, 1000))
def test_the_mean_shift_is_bandwidth_squared_times_the_smoothed_score(p: GaussianMixture, bandwidth, seed) -> None:
    """Theorem 4.1. Rounding: responsibilities are exact to 1e-15 of exponents of up to some thousand."""
    x = 2 * torch.randn(20, p.dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x.requires_grad_()
    (score,) = torch.autograd.grad(p.smoothed(bandwidth).log_density(x).sum(), x)
    found = mixture.mean_shift(p, bandwidth, x.detach())
    assert float((found - bandwidth**2 * score).abs().max()) < 1e-10 * (1 + float(found.abs().max()))
    torch.testing.assert_close(p.smoothed(bandwidth).score(x.detach()), score, rtol=1e-9, atol=1e-9)


def test_the_mean_shift_is_the_ratio_of_integrals_it_is_defined_by() -> None:
    p, bandwidth = mixture.ring(3, 1.0, 0.4, dimension=1), 0.3
    for x in (-1.3, 0.0, 0.7):

        def part(y: float, x: float = x) -> float:
            density = math.exp(float(p.log_density(torch.tensor([[y]], dtype=torch.float64))))
            return density * math.exp(-((x - y) ** 2) / (2 * bandwidth**2))

        top, _ = integrate.quad(lambda y, x=x: part(y) * (y - x), -8, 8, points=[x], limit=200)
        mass, _ = integrate.quad(part, -8, 8, points=[x], limit=200)
        found = float(mixture.mean_shift(p, bandwidth, torch.tensor([[x]], dtype=torch.float64)))
        assert found == pytest.approx(top / mass, abs=1e-9)


def test_densities_integrate_to_one_and_samples_have_their_moments(rng) -> None:
    p = mixture.ring(4, 2.0, 0.5)
    side = torch.linspace(-6, 6, 301, dtype=torch.float64)
    mass = float(p.log_density(torch.cartesian_prod(side, side)).exp().sum()) * float(side[1] - side[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-10)
    points = p.sample(40_000, rng)
    # Each coordinate has variance radius²/2 + deviation² = 2.25; 40,000 samples leave 1.5 % (two standard errors).
    assert float(points.var(dim=0).mean()) == pytest.approx(2.25, rel=0.03)
    assert float(points.mean(dim=0).norm()) < 0.04


def test_the_drift_vanishes_where_the_two_agree() -> None:
    p = mixture.ring(4, 2.0, 0.5)
    x = torch.randn(50, 2, dtype=torch.float64)
    assert float(mixture.drift(p, p, 0.4, x).abs().max()) == 0.0
    assert float(mixture.drift(p, mixture.normal(2), 0.4, x).norm(dim=1).mean()) > 0.1
