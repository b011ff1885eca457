"""Kernels by design: the budget law, the bound that none can beat, and what the dimension does to the profile."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate

from drift_cli.config.objects import chosen
from drift_cli.errors import UserError
from drift_cli.fused.terms import terms_of
from drift_cli.kernels import Gaussian, Laplace, Spectral
from drift_cli.kernels.designed import DESIGNS, Designed, log_uniform_widths
from tests.problems.kernels import KERNELS

every_design = pytest.mark.parametrize("design", DESIGNS)


def designed(design: str, modes: int = 30, dimension: float = 2.0, bandwidth: float = 1.0) -> Designed:
    return Designed.from_settings(bandwidth, modes, dimension, design)


def rates(kernel: Spectral, modes: int, d: int = 2) -> np.ndarray:
    """Of the frequencies 1 … K of which the last is √2 over the bandwidth."""
    return kernel.rate(np.arange(1, modes + 1) * math.sqrt(2) / modes / kernel.bandwidth, d)


@every_design
def test_the_budget_is_spent_whole_and_the_slowest_mode_stays_below_the_bound(design: str) -> None:
    kernel = designed(design)
    logs = np.linspace(math.log(1e-12), math.log(1e3), 40_001)
    # the critical kernel spends a part of it at ever lower frequencies: ξ^2ν, with ν = 0.24
    assert integrate.simpson(kernel.rate(np.exp(logs), 2), x=logs) == pytest.approx(1, abs=1e-5)
    assert rates(kernel, 30).min() * np.sum(1 / np.arange(1, 31)) <= 1


def test_the_optimum_is_within_an_eighth_of_the_bound_and_level() -> None:
    for modes in (10, 30, 100):
        found = rates(designed("optimal", modes), modes)
        assert found.min() * np.sum(1 / np.arange(1, modes + 1)) > 0.84  # the programme's own value, see its test
        assert found.max() / found.min() < 1.15
        slowest = [rates(designed(design, modes), modes).min() for design in DESIGNS]
        assert slowest == sorted(slowest, reverse=True)
    # the control: one Gaussian, wherever it is put, leaves the first or the last mode far behind
    best = max(rates(Gaussian(1.0).scaled(width), 30).min() for width in np.geomspace(0.3, 30, 200))
    assert best < rates(designed("critical"), 30).min() / 5


@every_design
@pytest.mark.parametrize("kernel_dimension", [1, 2, 5])
def test_the_spectrum_is_the_same_in_every_dimension_and_the_profile_is_not(design: str, kernel_dimension: int) -> None:
    one, other = designed(design, 8, 1.0), designed(design, 8, kernel_dimension)
    np.testing.assert_allclose(rates(other, 8, kernel_dimension), rates(one, 8, 1), rtol=1e-9)
    if kernel_dimension > 1:  # a kernel that is used in another dimension than that of its design is another kernel
        assert rates(other, 8, 1).min() < 0.9 * rates(one, 8, 1).min()


def test_equal_shares_are_a_power_of_the_distance_between_the_widths() -> None:
    widths, shares = log_uniform_widths(100)
    assert np.ptp(shares) == 0
    r = np.geomspace(4 * widths.min(), widths.max() / 4, 50)
    for d in (1.0, 3.0):
        profile = designed("log_uniform", 100, d).log_profile(torch.from_numpy(r)).numpy()
        slope = np.polyfit(np.log(r), profile, 1)[0]
        assert slope == pytest.approx(-d, rel=0.05)  # the widest width is only four times the last distance


@every_design
def test_it_costs_its_terms_and_scales(design: str) -> None:
    kernel = designed(design)
    assert len(terms_of(kernel) or ()) == {"optimal": 5, "log_uniform": 7, "critical": 1}[design]
    np.testing.assert_allclose(rates(kernel.scaled(0.3), 30), rates(kernel, 30), rtol=1e-9)
    assert kernel.scaled(0.3).bandwidth == pytest.approx(0.3)
    np.testing.assert_allclose(rates(designed(design, bandwidth=0.3), 30), rates(kernel, 30), rtol=1e-9)


def test_few_modes_in_one_place_are_one_gaussian() -> None:
    found = designed("optimal", 2)
    assert len(found.components) == 1
    assert isinstance(found.components[0], Gaussian)


def test_a_laplace_kernel_falls_behind_with_the_dimension_and_a_designed_one_does_not() -> None:
    k = np.arange(1.0, 31)
    slowest = [max(Laplace(t).rate(k, d).min() for t in np.geomspace(1e-3, 10, 400)) for d in (2, 16)]
    assert slowest[1] < slowest[0] / 2
    assert rates(designed("optimal", 30, 16.0), 30, 16).min() == pytest.approx(rates(designed("optimal"), 30).min())


def test_what_single_precision_would_lose_is_refused() -> None:
    with pytest.raises(UserError, match=r"kernel.modes=100 in 32 dimensions .* choose kernel.design=critical"):
        chosen("kernel", "designed", bandwidth=0.1, modes=100, dimension=32.0, design="optimal").made()
    chosen("kernel", "designed", bandwidth=0.1, modes=100, dimension=32.0, design="critical").made()


def test_its_words_are_checked() -> None:
    with pytest.raises(UserError, match=r"kernel.dimension must be of type float, got \"few\""):
        chosen("kernel", "designed", bandwidth=0.1, modes=10, dimension="few", design="optimal")
    with pytest.raises(UserError, match=r"kernel.dimension=auto is determined from the training data"):
        chosen("kernel", "designed", bandwidth=0.1, modes=10, dimension="auto", design="optimal").made()


def test_it_is_among_the_kernels_of_the_identities() -> None:
    assert isinstance(KERNELS["designed"], Designed)
