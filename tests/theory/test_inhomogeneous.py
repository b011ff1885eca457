from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.kernels import Gaussian, Laplace
from drift_cli.theory import inhomogeneous, torus_flow
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import PERIOD, Torus

TORUS = Torus(128, 1)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.7, 4))
def test_rates_around_a_gaussian_target(ratio: float) -> None:
    matrix = inhomogeneous.gaussian_target_matrix(Gaussian(1.0), 8, ratio)
    exact = inhomogeneous.gaussian_target_rates(8, ratio, 1.0)
    np.testing.assert_allclose(np.diag(matrix), exact, atol=1e-11)  # the trapezoidal rule's rounding
    np.testing.assert_allclose(np.tril(matrix, -1), 0, atol=1e-11)  # triangular, so the diagonal is the spectrum


def test_other_formulas_do_not_fit_the_gaussian_target() -> None:
    matrix = inhomogeneous.gaussian_target_matrix(Gaussian(1.0), 8, 2.0)
    assert np.abs(np.diag(matrix) / inhomogeneous.homogeneous_estimate(8, 2.0, 1.0) - 1).min() > 0.05
    laplace = inhomogeneous.gaussian_target_matrix(Laplace(1.0), 8, 2.0)
    assert np.abs(np.diag(laplace) / inhomogeneous.gaussian_target_rates(8, 2.0, 1.0) - 1).max() > 0.05


def _spectrum(kernel, a: float, count: int = 30, smoothed: bool = False) -> np.ndarray:
    periodic = torus_flow.periodic(kernel, TORUS)
    matrix = inhomogeneous.torus_matrix(periodic, inhomogeneous.tilted(TORUS, a), smoothed)
    return inhomogeneous.on_modes(TORUS, matrix, count)


def test_the_matrix_is_the_derivative_of_the_nonlinear_equation() -> None:
    kernel = torus_flow.periodic(Laplace(0.4), TORUS)
    p = inhomogeneous.tilted(TORUS, 0.6)
    field, direction = torus_flow.drift(kernel, p), np.sin(3 * TORUS.points[0]) + np.cos(TORUS.points[0])
    step = 1e-6
    change = torus_flow.change(TORUS, field, p + step * direction) - torus_flow.change(
        TORUS, field, p - step * direction
    )
    # central differences: step² and rounding/step, both near 1e-10
    np.testing.assert_allclose(inhomogeneous.torus_matrix(kernel, p) @ direction, -change / (2 * step), atol=1e-8)


@pytest.mark.parametrize("kernel", [Gaussian(0.3), Laplace(0.3)])
def test_eigenvalues_around_a_tilted_target_are_complex(kernel) -> None:
    found = [np.abs(np.linalg.eigvals(_spectrum(kernel, 0.9, count)).imag).max() for count in (20, 30, 40)]
    assert min(found) > 0.05
    assert max(found) - min(found) < 1e-6  # no effect of where the modes are cut off


def test_eigenvalues_are_real_where_they_must_be() -> None:
    uniform = np.linalg.eigvals(_spectrum(Gaussian(0.3), 0.0))
    assert np.abs(uniform.imag).max() < 1e-9  # rounding
    modes = np.arange(1, 31)
    np.testing.assert_allclose(np.sort(uniform.real)[::2], np.sort(Gaussian(0.3).rate(modes, 1)), atol=1e-12)
    flow = np.linalg.eigvals(_spectrum(Gaussian(0.3), 0.9, smoothed=True))  # a gradient flow
    assert np.abs(flow.imag).max() < 1e-9


def test_the_nonlinear_equation_oscillates_as_predicted() -> None:
    kernel = torus_flow.periodic(Gaussian(0.3), TORUS)
    pair = inhomogeneous.most_oscillating(_spectrum(Gaussian(0.3), 0.9))
    found = inhomogeneous.oscillation(kernel, inhomogeneous.tilted(TORUS, 0.9), pair, 1e-4, 8.0, 160)
    rate = -fit(found.times, np.log(np.abs(found.coordinate))).slope
    frequency = -fit(found.times, np.unwrap(np.angle(found.coordinate))).slope
    assert rate == pytest.approx(pair.value.real, rel=1e-4)  # the amplitude's own nonlinearity
    assert frequency == pytest.approx(pair.value.imag, rel=1e-3)
    assert frequency * 8 > 0.5  # a phase that cannot be missed


def test_the_tilted_density_is_one() -> None:
    assert inhomogeneous.tilted(TORUS, 0.5).mean() * PERIOD == pytest.approx(1, rel=1e-14)
