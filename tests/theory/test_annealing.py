from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli import schedules
from drift_cli.kernels import Gaussian
from drift_cli.theory import annealing, theorem62
from drift_cli.theory import convergence_times as ct
from drift_cli.theory.annealing import rate_of
from drift_cli.theory.schedule_comparison import integrated, multi_scale_error
from drift_cli.theory.theorem62 import gaussian_rate
from tests.problems.kernels import KERNELS

K = np.arange(1.0, 31)
LEVEL = math.log(1e3)
WIDE, NARROW = 3.0, math.sqrt(2) / 30
every_sweep = pytest.mark.parametrize("name", list(annealing.SWEEPS))


@every_sweep
def test_quadrature_agrees_with_a_runge_kutta_method(name: str) -> None:
    course = annealing.SWEEPS[name](WIDE, NARROW, 20.0)
    found = annealing.accumulated(course, gaussian_rate, K, 20.0)
    # an independent integrator at rtol 1e-12, of decays up to about 10
    np.testing.assert_allclose(
        found, integrated(lambda t: float(course.at(np.array(t))), gaussian_rate, K, 20.0), atol=1e-9
    )
    again = annealing.accumulated(course, gaussian_rate, K, 25.0)
    np.testing.assert_allclose(again, found + 5 * gaussian_rate(NARROW * K), rtol=1e-13)  # held: the same product


@every_sweep
def test_sweeps_are_those_that_a_training_run_has(name: str) -> None:
    course = annealing.SWEEPS[name](WIDE, 0.1 * WIDE, 50.0)
    trained = {"exponential": schedules.Exponential, "linear": schedules.Linear, "cosine": schedules.Cosine}[name](
        0.1, 50
    )
    times = np.arange(80)
    expected = [WIDE * trained(int(t)) for t in times]
    np.testing.assert_allclose(course.at(times.astype(float)), expected, rtol=1e-12)  # rounding of one formula in two


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize("dimension", [1, 2])
def test_the_annealing_law_holds_for_every_kernel(kernel, dimension: int) -> None:
    r, duration = 0.7, math.log(WIDE / NARROW) / 0.7
    course = annealing.exponential(WIDE, NARROW, duration)
    for time in (0.3 * duration, duration):
        sigma = WIDE * math.exp(-r * time)
        law = annealing.annealing_law(kernel, dimension, K, WIDE, sigma, r)
        found = annealing.accumulated(course, rate_of(kernel, dimension), K, time)
        np.testing.assert_allclose(found, law, atol=1e-12)  # 16-point Gauss–Legendre panels: rounding of sums below 2
    wrong = annealing.accumulated(annealing.linear(WIDE, NARROW, duration), rate_of(kernel, dimension), K, duration)
    assert np.max(np.abs(wrong - law)) > 0.1  # control: the law is of the exponential schedule alone


@given(r=st.floats(0.02, 2), wide=st.floats(0.3, 10), last=st.floats(0.5, 3), modes=st.integers(1, 60))
@settings(deadline=None, max_examples=60)
def test_measured_times_are_the_closed_form(r: float, wide: float, last: float, modes: int) -> None:
    narrow, k = min(last / modes, 0.9 * wide), np.arange(1.0, modes + 1)
    course = annealing.exponential(wide, narrow, math.log(wide / narrow) / r)
    measured = annealing.crossing_times(course, gaussian_rate, k, LEVEL)
    # quadrature to rounding; a root where Λ is nearly flat amplifies it by λ_max/λ, hence 1e-9
    closed = ct.times(ct.Annealed(Gaussian(1.0), 1, wide, narrow, r), k, 1e-3)
    np.testing.assert_allclose(measured, closed, rtol=1e-9)


@given(
    product=st.floats(0.05, 5), wide=st.floats(0.2, 10), last=st.floats(math.sqrt(2), 3.5), modes=st.integers(2, 80),
    epsilon=st.floats(1e-8, 0.5),
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_theorem_62_holds_exactly_where_its_condition_does(
    product: float, wide: float, last: float, modes: int, epsilon: float
) -> None:
    narrow = last / modes
    if narrow >= 0.95 * wide:
        return
    found = theorem62.measured(modes, wide, narrow, product / math.log(1 / epsilon), epsilon)
    margin = product / theorem62.largest_product(modes, wide, narrow) - 1
    if abs(margin) > 1e-6:  # at the very edge rounding decides
        assert found.condition == (found.ratio <= 1 + 1e-9)


def test_theorem_62_fails_outside_its_condition_and_the_slowest_mode_is_the_first() -> None:
    good, bad = (theorem62.measured(30, WIDE, NARROW, r, 1e-3) for r in (0.138, 0.5))
    assert good.ratio <= 1
    assert (good.slowest, bad.slowest) == (30, 1)
    assert bad.ratio > 100
    # T ≈ (K²/2)(ln(1/ε) − 1/r): mode 1 alone at rate σ_min² = 2/K²; the rest is of relative order 1/K²
    assert bad.time == pytest.approx(450 * (LEVEL - 1 / 0.5), rel=0.02)


@pytest.mark.parametrize(("wide", "modes"), [(0.5, 30), (0.3, 10)])
def test_the_handy_condition_is_not_sufficient_at_small_bandwidths(wide: float, modes: int) -> None:
    r = -math.expm1(-(wide**2) / 2) / LEVEL
    found = theorem62.measured(modes, wide, math.sqrt(2) / modes, r, 1e-3)
    assert not found.condition
    assert found.ratio > 1.1


def test_a_mode_that_nothing_moves_never_arrives() -> None:
    times = annealing.crossing_times(annealing.constant(1.0, 5.0), gaussian_rate, np.array([1.0, 60.0]), 1.0)
    assert times[0] == pytest.approx(math.exp(0.5), rel=1e-12)
    assert math.isinf(times[1])


def test_annealing_is_the_multi_scale_drift_with_its_time_fractions() -> None:
    duration = math.log(WIDE / NARROW)
    # Runge–Kutta at rtol 1e-12 against 64 Gauss–Legendre nodes
    assert multi_scale_error(gaussian_rate, K, WIDE, NARROW, duration) < 1e-9
    equal = np.mean([gaussian_rate(sigma * K) for sigma in np.linspace(NARROW, WIDE, 64)], axis=0) * duration
    annealed = annealing.accumulated(annealing.exponential(WIDE, NARROW, duration), gaussian_rate, K, duration)
    assert np.max(np.abs(equal - annealed)) > 0.1  # control: other fractions are another drift


def test_activation_times_invert_the_sweeps() -> None:
    sigma = np.geomspace(0.06, 2.5, 9)
    for name, shape in annealing.SWEEPS.items():
        times = annealing.activation_times(name, sigma, WIDE, NARROW, 7.0)
        np.testing.assert_allclose(shape(WIDE, NARROW, 7.0).at(times), sigma, rtol=1e-11)
    with pytest.raises(ValueError, match="no sweep"):
        annealing.activation_times("quadratic", sigma, WIDE, NARROW, 7.0)


@given(st.floats(0, 4), st.integers(1, 50))
def test_the_log_error_starts_at_zero_and_falls_with_every_mode(spectrum: float, modes: int) -> None:
    k = np.arange(1.0, modes + 1)
    assert annealing.log_error(np.zeros(modes), k, spectrum) == pytest.approx(0, abs=1e-12)
    assert annealing.log_error(np.full(modes, 3.0), k, spectrum) == pytest.approx(-6, rel=1e-12)
    assert math.isfinite(annealing.log_error(np.full(modes, 1e6), k, spectrum))  # where exp(-Λ) is 0
