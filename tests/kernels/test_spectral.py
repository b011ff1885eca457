"""Spectra, rates and weights of the kernels, against quadrature and automatic differentiation of the profile."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from drift_cli.kernels import Gaussian, Laplace, Mixture, Power, RationalQuadratic, Spectral
from tests.problems.kernels import KERNELS

WITH_TRANSFORM: dict[str, Spectral] = {**KERNELS, "rational_quadratic": RationalQuadratic(0.7, 2.5)}
every_kernel = pytest.mark.parametrize("kernel", WITH_TRANSFORM.values(), ids=WITH_TRANSFORM)


def transform(kernel: Spectral, frequency: float, d: int) -> float:
    """k̂ by quadrature of the profile: ∫φ cos in one dimension, ∫φ sin(kr)/(kr) in three."""

    def profile(r: float) -> float:
        return math.exp(float(kernel.log_profile(torch.tensor(r, dtype=torch.float64))))

    def integrand(r: float) -> float:
        if d == 1:
            return 2 * profile(r) * math.cos(frequency * r)
        return 4 * math.pi * r**2 * profile(r) * float(np.sinc(frequency * r / math.pi))

    return integrate.quad(integrand, 0, 400, limit=4000, points=[0.1, 1, 5, 20])[0]


@every_kernel
@pytest.mark.parametrize("d", [1, 3])
def test_spectra_are_transforms_of_the_profile(kernel: Spectral, d: int) -> None:
    whole = transform(kernel, 0.0, d)  # heavy tails are cut at 400
    assert math.exp(kernel.log_integral(d)) == pytest.approx(whole, rel=1e-4)
    for frequency in (0.5, 2.0, 5.0):
        expected = transform(kernel, frequency, d) / whole
        assert float(kernel.spectrum(np.array(frequency), d)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@every_kernel
@given(frequency=st.floats(0.05, 20.0), d=st.integers(1, 4))
def test_rates_are_minus_the_logarithmic_derivative(kernel: Spectral, frequency: float, d: int) -> None:
    step = 1e-4
    above, below = (float(kernel.spectrum(np.array(frequency * math.exp(s)), d)) for s in (step, -step))
    numerical = -(above - below) / (2 * step)
    assert float(kernel.rate(np.array(frequency), d)) == pytest.approx(numerical, rel=1e-5, abs=1e-9)


def test_zero_frequency_neither_decays_nor_divides_by_zero() -> None:
    for kernel in WITH_TRANSFORM.values():
        assert float(kernel.spectrum(np.array(0.0), 2)) == pytest.approx(1.0)
        assert float(kernel.rate(np.array(0.0), 2)) == 0.0


def test_the_exponential_kernel_is_the_one_of_the_text() -> None:
    k = np.linspace(0.1, 30, 50)
    for d in (1, 2, 16):
        u = (0.3 * k) ** 2
        np.testing.assert_allclose(Laplace(0.3).rate(k, d), (d + 1) * u * (1 + u) ** (-(d + 3) / 2), rtol=1e-12)


@pytest.mark.parametrize("kernel", [*KERNELS.values(), Power(Laplace(0.7), 2.0)])
def test_weights_are_minus_the_slope_of_the_profile_over_r(kernel) -> None:
    r = torch.linspace(0.01, 5, 100, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(kernel.log_profile(r).sum(), r)
    torch.testing.assert_close(kernel.weight(r.detach()), -slope / r.detach(), rtol=1e-11, atol=1e-12)


def test_a_rational_quadratic_with_heavy_tails_has_no_transform() -> None:
    with pytest.raises(ValueError, match=r"alpha > 1\.5"):
        RationalQuadratic(1.0, 1.0).spectrum(np.array(1.0), 3)


def test_a_mixture_of_one_is_its_component() -> None:
    k = np.linspace(0, 10, 20)
    mixed = Mixture(1.0, (Gaussian(0.4),), (3.0,))
    np.testing.assert_allclose(mixed.rate(k, 2), Gaussian(0.4).rate(k, 2), rtol=1e-12)
