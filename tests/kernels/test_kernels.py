from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process import kernels as sklearn_kernels

from drift_cli import kernels
from drift_cli.config.objects import chosen
from drift_cli.kernels import Gaussian, Kernel, Laplace, Mixture, Power
from drift_cli.kernels.mixture import Component
from tests.problems.kernels import BANDWIDTH, KERNELS

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
distances = st.floats(0, 1e3)


def log_phi(kernel: Kernel, r: float) -> float:
    return float(kernel.log_profile(torch.tensor([r], dtype=torch.float64)))


@every_kernel
def test_a_kernel_is_one_at_zero(kernel: Kernel) -> None:
    assert log_phi(kernel, 0.0) == pytest.approx(0.0, abs=1e-15)  # rounding of one logarithm


@every_kernel
@given(r=distances, step=st.floats(1e-3, 10))
def test_a_kernel_falls_with_distance(kernel: Kernel, r: float, step: float) -> None:
    assert log_phi(kernel, r + step) < log_phi(kernel, r)


@every_kernel
@given(r=distances, factor=st.floats(0.05, 20))
def test_scaling_the_bandwidth_scales_lengths(kernel: Kernel, r: float, factor: float) -> None:
    assert log_phi(kernel.scaled(factor), factor * r) == pytest.approx(log_phi(kernel, r), rel=1e-9, abs=1e-12)
    assert kernel.scaled(factor).bandwidth == pytest.approx(factor * kernel.bandwidth)


@every_kernel
def test_the_log_profile_is_finite_where_the_kernel_underflows(kernel: Kernel) -> None:
    far = kernel.log_profile(torch.tensor([1e5], dtype=torch.float32))
    assert torch.isfinite(far).all()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("gaussian", sklearn_kernels.RBF(BANDWIDTH)),
        ("matern32", sklearn_kernels.Matern(BANDWIDTH, nu=1.5)),
        ("matern52", sklearn_kernels.Matern(BANDWIDTH, nu=2.5)),
        ("laplace", sklearn_kernels.Matern(BANDWIDTH, nu=0.5)),
        ("rational_quadratic", sklearn_kernels.RationalQuadratic(BANDWIDTH, alpha=1.5)),
    ],
)
def test_kernels_agree_with_scikit_learn(name: str, reference: sklearn_kernels.Kernel) -> None:
    r = torch.linspace(0, 5, 50, dtype=torch.float64)
    theirs = reference(np.zeros((1, 1)), r.numpy()[:, None])[0]
    np.testing.assert_allclose(KERNELS[name].log_profile(r).exp(), theirs, rtol=1e-12)


def test_a_mixture_is_the_weighted_mean_of_its_kernels() -> None:
    r = torch.linspace(0, 4, 20, dtype=torch.float64)
    mixture = Mixture(1.0, (Gaussian(0.3), Laplace(2.0)), (1.0, 3.0))
    expected = 0.25 * Gaussian(0.3).log_profile(r).exp() + 0.75 * Laplace(2.0).log_profile(r).exp()
    torch.testing.assert_close(mixture.log_profile(r).exp(), expected, rtol=1e-13, atol=0)


def test_the_square_of_a_gaussian_is_a_narrower_gaussian() -> None:
    r = torch.linspace(0, 4, 20, dtype=torch.float64)
    narrower = Gaussian(0.5 / math.sqrt(2)).log_profile(r)
    torch.testing.assert_close(Power(Gaussian(0.5), 2.0).log_profile(r), narrower, rtol=1e-13, atol=0)


def test_settings_build_the_kernel_they_name() -> None:
    parts = [Component(kernel="matern52", weight=2.0, factor=3.0), Component("laplace")]
    assert chosen("kernel", "matern52", bandwidth=0.3).made() == kernels.Matern52(0.3)
    built = Mixture.from_settings(0.5, tuple(parts))
    assert built == Mixture(0.5, (kernels.Matern52(1.5), kernels.Laplace(0.5)), (2.0, 1.0))
