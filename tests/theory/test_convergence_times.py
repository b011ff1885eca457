from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.kernels import Gaussian, Laplace, Matern32, RationalQuadratic
from drift_cli.theory import convergence_times as ct
from drift_cli.theory import torus_flow
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import Torus

MODES = np.arange(1, 31).astype(float)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize(
    "build",
    [
        lambda d: ct.Fixed(Gaussian(0.3), d),
        lambda d: ct.Fixed(Laplace(0.3), d),
        lambda d: ct.Fixed(Laplace(0.3), d, paper=True),
        lambda d: ct.Annealed(Gaussian(1.0), d, 3.0, math.sqrt(2) / 30, 0.14),
        lambda d: ct.Annealed(Gaussian(1.0), d, 3.0, math.sqrt(2) / 30, 1.0),
        lambda d: ct.Annealed(Laplace(1.0), d, 3.0, math.sqrt(2) / 30, 0.14),
    ],
)
def test_closed_forms_are_where_the_integrated_rate_crosses(build, d: int) -> None:
    course = build(d)
    found, predicted = ct.crossings(course, MODES, 1e-3), ct.times(course, MODES, 1e-3)
    np.testing.assert_allclose(found, predicted, rtol=1e-10)  # quadrature and root are at 1e-14
    assert np.abs(found / ct.times(course, MODES, 1.01e-3) - 1).max() > 1e-4  # another threshold is seen


def test_the_papers_time_for_the_exponential_kernel_is_not_the_exact_one() -> None:
    exact, paper = (ct.crossings(ct.Fixed(Laplace(0.3), 2, wrong), MODES, 1e-3) for wrong in (False, True))
    assert np.abs(exact / paper - 1).min() > 0.05


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([Gaussian(1.0), Laplace(1.0), Matern32(1.0), RationalQuadratic(1.0, 3.0)]),
    st.integers(1, 3),
    st.floats(0.05, 2),
    st.floats(0.5, 20),
    st.floats(0, 60),
)
def test_annealing_accumulates_the_difference_of_spectra(kernel, d: int, r: float, k: float, t: float) -> None:
    course = ct.Annealed(kernel, d, 3.0, 0.05, r)
    closed = float(course.accumulated(k, np.array(t)))
    assert ct.integrated(course, k, t) == pytest.approx(closed, rel=1e-10, abs=1e-12)
    if t <= course.sweep:
        assert closed <= 1 / r + 1e-12  # whatever the kernel


def test_an_annealing_that_does_not_move_is_a_fixed_kernel() -> None:
    annealed = ct.Annealed(Gaussian(1.0), 1, 0.4, 0.4, 0.2)
    np.testing.assert_allclose(
        ct.times(annealed, MODES[:8], 0.01), ct.times(ct.Fixed(Gaussian(0.4), 1), MODES[:8], 0.01)
    )


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_other_sweeps(name: str) -> None:
    course = ct.Swept(Gaussian(1.0), 1, ct.sweep(name, 3.0, 0.05, 20.0))
    np.testing.assert_allclose(course.course.at(np.array([0.0, 20.0, 99.0])), [3.0, 0.05, 0.05], atol=1e-15)
    t = np.linspace(0, 30, 200_001)
    for k in (1.0, 30.0):  # against the trapezoidal rule, whose error here is below 1e-6
        whole = float(course.accumulated(k, np.array([30.0]))[0])
        assert whole == pytest.approx(float(np.trapezoid(course.rate(course.course.at(t) * k), t)), rel=1e-6)
        assert ct.integrated(course, k, course.time(k, 0.01)) == pytest.approx(math.log(100), rel=1e-10)


@pytest.mark.parametrize(("d", "exponent"), [(1, 2), (2, 3), (5, 6)])
def test_times_of_the_exponential_kernel_grow_as_k_to_the_d_plus_1(d: int, exponent: int) -> None:
    k = np.geomspace(100, 1000, 20)
    found = fit(np.log(k), np.log(ct.times(ct.Fixed(Laplace(1.0), d), k, 1e-3)))
    assert found.low - 1e-3 <= exponent <= found.high + 1e-3  # 1/(τk)² ≤ 1e-4 from the asymptote
    paper = fit(np.log(k), np.log(ct.times(ct.Fixed(Laplace(1.0), d, paper=True), k, 1e-3)))
    assert paper.slope == pytest.approx(d - 1, abs=1e-2)


def test_a_mode_that_never_decays_takes_for_ever() -> None:
    course = ct.Fixed(Gaussian(2.0), 1)
    assert ct.crossings(course, np.array([40.0]), 0.1)[0] == course.time(40.0, 0.1) == math.inf


def test_the_nonlinear_equation_follows_the_annealed_modes() -> None:
    course = ct.Annealed(Gaussian(1.0), 1, 2.0, 0.3, 0.3)
    modes = np.array([1.0, 2.0, 4.0])
    found = torus_flow.follow_together(
        Torus(64, 1),
        lambda t: Gaussian(float(course.course.at(np.array(t)))),
        modes[:, None],
        1e-7,
        np.array([0.0, 1.0, 2.0]),
        10.0,
        100,
    )
    left = ct.remaining(course.accumulated, modes, found.times)
    # Runge–Kutta across the kink at σ_min; a fixed kernel is off by a factor
    np.testing.assert_allclose(np.abs(found.amplitudes / found.amplitudes[0]), left, rtol=1e-3)
    fixed = ct.remaining(ct.Fixed(Gaussian(0.3), 1).accumulated, modes, found.times)
    assert np.abs(fixed / left - 1).max() > 0.1


def test_the_total_error_starts_at_one() -> None:
    left = ct.remaining(ct.Fixed(Gaussian(0.3), 1).accumulated, MODES, np.linspace(0, 10, 5))
    total = ct.total_error(left)
    assert total[0] == 1
    assert (np.diff(total) < 0).all()
