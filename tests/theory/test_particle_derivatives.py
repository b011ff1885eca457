from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.kernels import Gaussian, Laplace, Matern32
from drift_cli.theory.particle_derivatives import PATHS, by_autograd, derivatives

ATTACHED = PATHS[1:]
KERNELS = {"gaussian": Gaussian(0.7), "laplace": Laplace(0.7), "matern32": Matern32(0.7)}
ROUNDING = 1e-12  # float64 sums of some twenty terms of size one
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@every_kernel
@pytest.mark.parametrize("paths", ATTACHED)
def test_closed_form_is_autograds(kernel, paths: str, plane) -> None:
    x, data = plane(9), plane(14) + 0.4
    assert off(derivatives(kernel, x, data).through(paths), by_autograd(kernel, x, data, paths)) < ROUNDING


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3.0), st.sampled_from(ATTACHED), st.integers(1, 4))
def test_closed_form_is_autograds_at_any_bandwidth_and_dimension(seed: int, scale: float, paths: str, d: int) -> None:
    random = torch.Generator().manual_seed(seed)
    x, data = (torch.randn(n, d, generator=random, dtype=torch.float64) for n in (5, 7))
    for kernel in (Gaussian(scale), Laplace(scale)):
        exact = by_autograd(kernel, x, data, paths)
        found = derivatives(kernel, x, data).through(paths)
        # differences of terms up to r²/σ², some 500 at the narrowest bandwidth, that may cancel
        assert float((found - exact).abs().max()) < 1e-10 * max(1.0, float(exact.abs().max()))


@every_kernel
def test_the_two_paths_add_up(kernel, plane) -> None:
    x, data = plane(9), plane(14) + 0.4
    parts = by_autograd(kernel, x, data, "query") + by_autograd(kernel, x, data, "samples")
    assert off(parts, by_autograd(kernel, x, data, "both")) < ROUNDING
    found = derivatives(kernel, x, data)
    torch.testing.assert_close(found.descent("query") + found.descent("samples"), found.descent("both"))
    assert found.descent("none") is found.drift


@every_kernel
@pytest.mark.parametrize("paths", ATTACHED)
def test_descent_is_minus_the_gradient_of_half_the_sum_of_squares(kernel, paths: str, plane) -> None:
    x, data = plane(9), plane(14) + 0.4
    found = derivatives(kernel, x, data)
    chain = -torch.einsum("ijde,id->je", by_autograd(kernel, x, data, paths), found.drift)
    assert off(found.descent(paths), chain) < ROUNDING


def test_for_the_gaussian_kernel_the_query_path_is_a_difference_of_covariances(plane) -> None:
    sigma, x, data = 0.7, plane(6), plane(40) + 0.4
    found = derivatives(Gaussian(sigma), x, data).query
    for at, slope in zip(x, found, strict=True):
        covariances = [
            torch.cov(points.T, aweights=torch.exp(-(points - at).square().sum(dim=1) / (2 * sigma**2)), correction=0)
            for points in (data, x)
        ]
        torch.testing.assert_close(slope, (covariances[0] - covariances[1]) / sigma**2, rtol=ROUNDING, atol=ROUNDING)


@every_kernel
def test_a_dropped_term_is_seen(kernel, plane) -> None:
    """Negative control: without the weights' own change, or without the repulsion, the error is of order one."""
    x, data = plane(9), plane(14) + 0.4
    found = derivatives(kernel, x, data)
    samples = by_autograd(kernel, x, data, "samples")
    trace = torch.einsum("ijdd->ij", samples)[..., None, None] / 2 * torch.eye(2, dtype=torch.float64)
    assert off(trace, samples) > 0.01
    attraction = torch.cat([derivatives(kernel, each[None], data).query for each in x])
    assert off(attraction, found.query) > 0.01


def test_particles_in_one_place_have_finite_derivatives(plane) -> None:
    x = plane(1).repeat(5, 1)
    for kernel in KERNELS.values():
        found = derivatives(kernel, x, plane(12))
        assert all(part.isfinite().all() for part in (found.drift, found.query, found.samples))
        torch.testing.assert_close(found.samples, -torch.eye(2, dtype=x.dtype).expand(5, 5, 2, 2) / 5)
