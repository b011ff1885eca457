from __future__ import annotations

import numpy as np
import pytest

from drift_cli.kernels import Gaussian, Laplace, Spectral
from drift_cli.theory import unstopped
from drift_cli.theory.particle_derivatives import PATHS
from drift_cli.theory.torus_flow import PERIOD

N, AMPLITUDE, BANDWIDTH = 300, 1e-2, 0.3
MODES = (1, 5, 8)
KERNELS: dict[str, Spectral] = {"gaussian": Gaussian(BANDWIDTH), "laplace": Laplace(BANDWIDTH)}
every_kernel = pytest.mark.parametrize("name", KERNELS)
# the sums over particles h apart see the Laplace kernel's cusp: a slope of V through the query of (h/τ)²/6
CUSP = (PERIOD / N / BANDWIDTH) ** 2 / 6


def tolerance(name: str) -> float:
    """On a rate over λ: the square of the amplitude, and for the Laplace kernel the cusp's slope."""
    return AMPLITUDE**2 + (1.1 * CUSP if name == "laplace" else 0.0)


@every_kernel
@pytest.mark.parametrize("paths", PATHS)
def test_rates_are_those_of_the_linear_theory(name: str, paths: str) -> None:
    kernel = KERNELS[name]
    for mode in MODES:
        rate = float(kernel.rate(np.array([mode]), 1)[0])
        expected = float(unstopped.predicted(kernel, np.array([mode]), paths)[0])
        at_once = unstopped.instantaneous(kernel, N, mode, AMPLITUDE, paths)
        followed = unstopped.along_flow(kernel, N, mode, AMPLITUDE, paths, steps=2)
        assert abs(at_once - expected) < tolerance(name) * rate
        assert abs(followed - expected) < tolerance(name) * rate + 1e-4 * expected  # and Runge–Kutta's step
        if paths in ("samples", "both"):  # control: λ² is told from λ and from 0
            assert abs(at_once - rate) > 0.1 * rate
            assert abs(at_once) > 0.05 * rate


def test_what_the_query_path_leaves_is_the_cusp() -> None:
    kernel = Laplace(BANDWIDTH)
    for mode in MODES:
        found = unstopped.instantaneous(kernel, N, mode, AMPLITUDE, "query") / kernel.rate(np.array([mode]), 1)[0]
        assert found == pytest.approx(-CUSP, rel=0.05)  # the next order of the sum, and the square of the amplitude
        smooth = unstopped.instantaneous(Gaussian(BANDWIDTH), N, mode, AMPLITUDE, "query")
        assert abs(smooth) < AMPLITUDE**2


def test_the_paths_add_up() -> None:
    x = np.sort(np.random.default_rng(0).uniform(0, PERIOD, 50))
    for kernel in KERNELS.values():
        parts = sum(unstopped.direction(kernel, x, paths) for paths in ("query", "samples"))
        np.testing.assert_allclose(parts, unstopped.direction(kernel, x, "both"), atol=1e-12)  # rounding


def test_the_copies_carry_gradient() -> None:
    """The direction is the same wherever the circle is cut, which fails if the copies stay behind."""
    x = np.sort(np.random.default_rng(1).uniform(0, PERIOD, 40))
    for kernel in KERNELS.values():
        for paths in PATHS:
            here = unstopped.direction(kernel, x, paths)
            turned = np.concatenate([x[10:], x[:10] + PERIOD]) - x[10]
            # what images beyond the last copy weigh: below 1e-8
            np.testing.assert_allclose(unstopped.direction(kernel, turned, paths), np.roll(here, -10), atol=1e-8)
