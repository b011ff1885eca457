from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_cli.theory import annealing
from drift_cli.theory import optimal_schedule as optima
from drift_cli.theory.schedule_comparison import best_constant, best_sweep, compare, time_needed
from drift_cli.theory.theorem62 import gaussian_rate
from tests.problems.kernels import BANDWIDTH, KERNELS

EPSILON = 1e-3
LEVEL = math.log(1 / EPSILON)


def gaussian_optimum(modes: int) -> optima.Staircase:
    return optima.optimal(gaussian_rate, np.arange(1.0, modes + 1), 0.3 / modes, 5.0)


@pytest.mark.parametrize("modes", [1, 5, 10, 30, 100])
def test_the_measured_optimum_takes_its_time_and_stays_above_the_bound(modes: int) -> None:
    found, k = gaussian_optimum(modes), np.arange(1.0, modes + 1)
    time = found.time(EPSILON)
    # the modes are equal to the solver's tolerance, 1e-7 of rates of about 0.2: some arrive that little earlier
    assert time_needed(found.course(time * (1 + 1e-9)), gaussian_rate, k, LEVEL) == pytest.approx(time, rel=1e-6)
    assert time >= optima.lower_bound(modes, EPSILON)
    assert found.shares.sum() == pytest.approx(1, rel=1e-12)
    assert np.all(np.diff(found.bandwidths) < 0)


def test_one_mode_needs_one_bandwidth_at_its_peak() -> None:
    found = gaussian_optimum(1)
    assert found.rate == pytest.approx(2 / math.e, rel=1e-5)  # flat at the peak: the square of the finest spacing
    assert found.bandwidths == pytest.approx([math.sqrt(2)], rel=1e-2)


def test_the_optimum_is_a_saddle_point() -> None:
    """The dual weights of the programme prove it: no bandwidth has a larger weighted rate than v."""
    from scipy.optimize import linprog

    k, sigma = np.arange(1.0, 31), np.geomspace(0.01, 5, 3000)
    rates = gaussian_rate(sigma[:, None] * k)
    dual = linprog(np.append(np.zeros(30), 1.0), A_ub=np.hstack([rates, -np.ones((3000, 1))]), b_ub=np.zeros(3000),
                   A_eq=np.append(np.ones(30), 0.0)[None], b_eq=[1.0], bounds=[(0, None)] * 31)  # fmt: skip
    # weak duality: primal ≤ dual; merging neighbours and the dual's grid cost less than 1e-3 of v together
    assert gaussian_optimum(30).rate == pytest.approx(dual.fun, rel=1e-3)


def test_no_family_beats_the_optimum() -> None:
    k = np.arange(1.0, 31)
    best = gaussian_optimum(30).time(EPSILON)
    times = {name: best_sweep(shape, gaussian_rate, k, LEVEL, 3.0, math.sqrt(2) / 30)[0]
             for name, shape in annealing.SWEEPS.items()}  # fmt: skip
    constant = LEVEL / best_constant(gaussian_rate, k, 0.01, 5.0)[1]
    assert best < times["exponential"] < times["cosine"] < times["linear"] < constant
    assert times["exponential"] < 1.2 * best  # the exponential schedule is near the optimum at its best rate


@given(weights=st.lists(st.floats(0.01, 1), min_size=1, max_size=6), modes=st.integers(1, 40), data=st.data())
@settings(deadline=None, max_examples=50)
def test_no_mixture_of_bandwidths_beats_the_lower_bound(weights: list[float], modes: int, data) -> None:
    sigma = np.array([data.draw(st.floats(1e-2, 5)) for _ in weights])
    shares, k = np.array(weights) / sum(weights), np.arange(1.0, modes + 1)
    slowest = float((gaussian_rate(sigma * k[:, None]) @ shares).min())
    assert slowest * optima.harmonic(modes) <= 1 + 1e-12


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize("dimension", [1, 2])
def test_every_kernel_meets_the_condition_of_the_bound(kernel, dimension: int) -> None:
    unit = kernel.scaled(1 / BANDWIDTH)
    assert optima.dual_sum(lambda u: unit.rate(u, dimension), 300) <= 1


def test_an_oscillating_kernel_does_not() -> None:
    assert optima.dual_sum(optima.oscillating_rate, 300) > 1.5
    u, step = np.linspace(0.1, 9, 50), 1e-6  # its rate is the slope of its spectrum

    def spectrum(u: np.ndarray) -> np.ndarray:
        bumps = [w * np.exp(-((u - c) ** 2) / 2) for c, w in ((0, 1), (4, 0.5), (-4, 0.5))]
        return np.sum(bumps, axis=0) / (1 + math.exp(-8))

    slope = (spectrum(u + step) - spectrum(u - step)) / (2 * step)
    np.testing.assert_allclose(
        optima.oscillating_rate(u), -u * slope, atol=1e-8
    )  # central differences: step², 1e-16/step


def test_the_comparison_knows_who_wins_where() -> None:
    wide = compare(gaussian_rate, 30, 3.0, math.sqrt(2) / 30, [30.0], [0.0])[0]
    assert wide.at_end["optimal"] < wide.at_end["exponential"] < wide.at_end["cosine"] < wide.at_end["linear"]
    small = compare(gaussian_rate, 30, 0.5, math.sqrt(2) / 30, [30.0], [0.0])[0]
    assert small.at_end["cosine"] < small.at_end["exponential"]  # control: the exponential does not always win
    for each in (wide, small):
        assert all(each.held[name] < each.at_end[name] for name in each.held)
