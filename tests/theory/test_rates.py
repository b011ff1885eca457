from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, RationalQuadratic, Spectral
from drift_cli.theory import particle_rates, rates, torus_flow, torus_sinkhorn
from drift_cli.theory.fits import fit
from drift_cli.theory.torus_flow import PERIOD, Torus

KERNELS: dict[str, Spectral] = {
    "gaussian": Gaussian(0.3),
    "laplace": Laplace(0.3),
    "matern32": Matern32(0.3),
    "matern52": Matern52(0.3),
    "rational_quadratic": RationalQuadratic(0.3, 4.0),
}


def measured(kernel: Spectral, torus: Torus, modes: np.ndarray, amplitude: float = 1e-4, steps: int = 20) -> np.ndarray:
    uniform = np.full((torus.n,) * torus.d, 1 / PERIOD**torus.d)
    velocity = torus_flow.drift(torus_flow.periodic(kernel, torus), uniform)
    found = torus_flow.follow(torus, velocity, modes, amplitude, 1.0, steps)
    return rates.decay(found.times, found.amplitudes)[0]


@pytest.mark.parametrize("name", KERNELS)
def test_the_nonlinear_equation_decays_at_the_exact_rate_in_1d(name: str) -> None:
    kernel, modes = KERNELS[name], np.arange(1, 11)
    error = np.abs(measured(kernel, Torus(1024, 1), modes[:, None]) / kernel.rate(modes, 1) - 1).max()
    # smooth kernels: Runge–Kutta's (λΔt)⁴/120 and the square of the amplitude; Laplace: the cusp on 1024 points, 3.6e-5
    assert error < (1e-4 if name == "laplace" else 1e-6)
    assert name != "laplace" or error > 1e-6  # the grid's own error is seen: nothing analytic entered


@pytest.mark.parametrize("name", KERNELS)
def test_the_nonlinear_equation_decays_at_the_exact_rate_in_2d(name: str) -> None:
    kernel, modes = KERNELS[name], np.array([[1, 0], [2, 1], [3, 4]])
    exact = kernel.rate(np.linalg.norm(modes, axis=1), 2)
    # 96 points to the axis: the Laplace kernel's cusp is worth 9.03 (τn)⁻³ = 3.8e-4
    assert np.abs(measured(kernel, Torus(96, 2), modes) / exact - 1).max() < 1e-3


@pytest.mark.parametrize(("name", "d"), [("laplace", 1), ("laplace", 2), ("matern32", 1)])
def test_the_papers_formula_is_detected_as_wrong(name: str, d: int) -> None:
    modes = np.array([[1], [2], [8]]) if d == 1 else np.array([[1, 0], [5, 3]])
    kernel = KERNELS[name]
    paper = rates.paper_rate(kernel, np.linalg.norm(modes, axis=1), d)
    assert np.abs(measured(kernel, Torus(512 if d == 1 else 64, d), modes) / paper - 1).min() > 0.1


@given(st.floats(0.05, 5), st.integers(1, 30), st.floats(0.1, 20))
def test_the_papers_formula_differs_by_d_plus_1_over_1_plus_u2(tau: float, d: int, k: float) -> None:
    frequency = np.array([k])
    ratio = Laplace(tau).rate(frequency, d) / rates.paper_rate(Laplace(tau), frequency, d)
    np.testing.assert_allclose(ratio, (d + 1) / (1 + (tau * k) ** 2), rtol=1e-12)  # rounding of powers
    same = Gaussian(tau)
    np.testing.assert_allclose(same.rate(frequency, d), rates.paper_rate(same, frequency, d), rtol=1e-14)


def test_what_is_left_of_the_linear_theory_falls_with_the_square_of_the_amplitude() -> None:
    kernel, modes, amplitudes = Gaussian(0.3), np.array([[2]]), np.array([0.02, 0.04, 0.08])
    exact = float(kernel.rate(np.array([2.0]), 1)[0])
    errors = [abs(float(measured(kernel, Torus(128, 1), modes, a, 80)[0]) / exact - 1) for a in amplitudes]
    assert abs(fit(np.log(amplitudes), np.log(errors)).slope - 2) < 0.05  # the next order is a⁴: 0.6 % at 0.08


def test_mass_is_conserved_and_the_target_stays() -> None:
    torus = Torus(64, 2)
    kernel = torus_flow.periodic(Laplace(0.7), torus)
    p = torus_flow.perturbed(torus, np.array([[1, 2]]), 0.8)[0]
    q = torus_flow.perturbed(torus, np.array([[2, -1]]), 0.5)
    assert np.abs(torus_flow.change(torus, torus_flow.drift(kernel, p), q).sum()) < 1e-12  # a divergence
    assert np.abs(torus_flow.change(torus, torus_flow.drift(kernel, p), p[None])).max() < 1e-14


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([Gaussian, Laplace]), st.floats(0.2, 1.5), st.integers(0, 2**32 - 1))
def test_the_grids_mean_shift_is_the_particles(kind, bandwidth: float, seed: int) -> None:
    # particles on some of the grid's points are a density there: one sum, by Fourier and by pairs
    torus, kernel = Torus(128, 1), kind(bandwidth)
    taken = np.random.default_rng(seed).permutation(128) < 40
    grid = torus_flow.periodic(kernel, torus).mean_shift(taken / 40)[0][taken]
    # what the images left out weigh, and the self term at least 1: far below 1e-8
    np.testing.assert_allclose(particle_rates.velocity(kernel, torus.points[0][taken]), -grid, atol=1e-8)


def test_a_heavy_tail_is_refused() -> None:
    with pytest.raises(ValueError, match="periods of the torus"):
        torus_flow.images(RationalQuadratic(0.3, 1.0), 2)


@pytest.mark.parametrize(("kernel", "tolerance"), [(Gaussian(0.3), 1e-4), (Laplace(0.3), 1e-3)])
def test_particles_decay_at_the_exact_rate(kernel: Spectral, tolerance: float) -> None:
    # amplitude 1e-2, so 1e-4 from its square; the cusp between 600 particles adds 1e-4 for the Laplace kernel
    for mode in (1, 5):
        start = particle_rates.quantiles(600, mode, 1e-2)
        path = particle_rates.flow(kernel, start, np.array([mode]), 1.0, 10)
        found, _ = rates.decay(np.linspace(0, 1, 11), path)
        assert abs(found[0] / kernel.rate(np.array([mode]), 1)[0] - 1) < tolerance
        assert abs(found[0] / rates.paper_rate(Laplace(0.3), np.array([mode]), 1)[0] - 1) > 0.01


def test_quantiles_carry_the_mode_they_are_asked_for() -> None:
    found = particle_rates.coefficient(particle_rates.quantiles(2000, 3, 0.1), np.array([1, 3]))
    np.testing.assert_allclose(found, [0, 0.05], atol=1e-8)  # the mean of e^{−ikx} under 1 + a cos kx is a/2


def test_rates_from_random_starts_lie_in_their_intervals() -> None:
    modes = np.arange(1, 9)
    found = particle_rates.from_random_starts(Gaussian(0.3), 400, 8, modes, 1.0, 8, seed=0)
    z = (found.rates - Gaussian(0.3).rate(modes, 1)) / (found.errors * particle_rates.half_width(8))
    assert np.abs(z).max() < 3  # eight intervals of 95 %, and a bias of order 1/√N beside the noise
    wrong = (found.rates - rates.paper_rate(Laplace(0.3), modes, 1)) / (found.errors * particle_rates.half_width(8))
    assert np.abs(wrong).max() > 3


def test_jackknife_is_zero_without_noise() -> None:
    squares = np.array([[1.0], [2.0], [5.0]])
    found = particle_rates._jackknife(squares * np.exp(-0.3 * 2), squares, 2.0)
    np.testing.assert_allclose(found.rates, 0.3, rtol=1e-14)
    np.testing.assert_allclose(found.errors, 0, atol=1e-14)


def test_sinkhorns_multiplier() -> None:
    torus, epsilon, modes = Torus(128, 1), 0.1, np.arange(1, 9)[:, None]
    q, uniform = torus_flow.perturbed(torus, modes, 1e-4), np.full(128, 1 / PERIOD)
    field = torus_sinkhorn.drift(torus_flow.periodic(Gaussian(np.sqrt(epsilon)), torus), uniform)
    waves = torus.waves(modes)
    found = -(torus.amplitude(torus_flow.change(torus, field, q), waves) / torus.amplitude(q - uniform, waves)).real
    # one evaluation, so only the square of the amplitude is left
    np.testing.assert_allclose(found, rates.sinkhorn_rate(modes[:, 0], epsilon), rtol=1e-7)
    assert np.abs(found / Gaussian(np.sqrt(epsilon)).rate(modes[:, 0], 1) - 1).min() > 0.001


def test_multipliers_of_other_drifts() -> None:
    k = np.array([0.0, 1e-4, 2.0, 9.0, 100.0])
    epsilon = 0.3
    found = rates.sinkhorn_rate(k, epsilon)
    np.testing.assert_allclose(found[:2], 1, rtol=1e-12)
    gauss = Gaussian(np.sqrt(epsilon)).rate(k[2:], 1)
    np.testing.assert_allclose(found[2:], gauss / -np.expm1(-epsilon * k[2:] ** 2), rtol=1e-12)
    np.testing.assert_allclose(rates.smoothed_kl_rate(k, 0.5), (0.5 * k) ** 2 * Gaussian(0.5).spectrum(k, 1) ** 2)


def test_the_smoothed_kl_flow_decays_at_its_multiplier() -> None:
    torus, modes = Torus(128, 1), np.arange(1, 7)[:, None]
    kernel, uniform = torus_flow.periodic(Gaussian(0.3), torus), np.full(128, 1 / PERIOD)
    found = torus_flow.follow(torus, torus_flow.smoothed_drift(kernel, uniform), modes, 1e-4, 1.0, 20)
    measured_rates, _ = rates.decay(found.times, found.amplitudes)
    np.testing.assert_allclose(measured_rates, rates.smoothed_kl_rate(modes[:, 0], 0.3), rtol=1e-6)


@pytest.mark.parametrize(("kernel", "limit"), [(Gaussian(0.7), np.e), (Laplace(0.2), 4.0)])
def test_largest_explicit_step(kernel: Spectral, limit: float) -> None:
    fastest = rates.fastest(lambda k: kernel.rate(k, 1), kernel.bandwidth)
    assert rates.largest_step(fastest) == pytest.approx(limit, rel=1e-9)  # a minimum found to 1e-9 in its place


def test_the_explicit_step_grows_as_predicted() -> None:
    kernel, mode = Gaussian(np.sqrt(2) / 4), 4
    steps = np.array([2.5, 2.7, 2.9])
    found = np.array([particle_rates.growth(kernel, 400, mode, 1e-3, float(eta), 8) for eta in steps])
    np.testing.assert_allclose(found, np.abs(1 - steps * 2 / np.e), rtol=1e-3)  # amplitude squared, grown eight times
    assert particle_rates.measured_limit(steps, found) == pytest.approx(np.e, rel=1e-3)


def test_a_slope_needs_three_points() -> None:
    with pytest.raises(ValueError, match="three points"):
        fit(np.array([1.0, 2.0]), np.array([1.0, 2.0]))


def test_the_best_constant_makes_up_for_a_factor_and_for_nothing_else() -> None:
    k = np.arange(1.0, 11)
    gaussian, laplace = Gaussian(0.3), Laplace(0.3)
    constant, left = rates.best_constant(gaussian.rate(k, 2), 5 * rates.paper_rate(gaussian, k, 2))
    assert constant == pytest.approx(1 / 5, rel=1e-12)
    assert left < 1e-12
    for d in (1, 2):  # the ratio is (d + 1)/(1 + τ²k²): its ends give what no constant removes
        ends = (d + 1) / (1 + (0.3 * np.array([k[-1], k[0]])) ** 2)
        exact, formula = laplace.rate(k, d), rates.paper_rate(laplace, k, d)
        constant, left = rates.best_constant(exact, formula)
        assert left == pytest.approx((ends[1] - ends[0]) / (ends[1] + ends[0]), rel=1e-12)
        # none of a fine grid of constants does better
        others = [np.abs(exact / (c * formula) - 1).max() for c in np.geomspace(constant / 10, 10 * constant, 1001)]
        assert min(others) >= left - 1e-12
