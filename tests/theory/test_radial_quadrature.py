from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from drift_cli.kernels import Gaussian, Laplace, Weighted
from drift_cli.theory.fits import fit
from drift_cli.theory.radial import decompose
from drift_cli.theory.radial_quadrature import Pair, TooCoarse, effective_fraction, population
from tests.problems.kernels import KERNELS

NODES = 96
QUADRATURE = 1e-10  # rounding over 96² terms whose logarithms are of the order of 1e3


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 1024), st.floats(0.3, 3), st.floats(0.05, 2), st.floats(0.5, 2))
def test_gaussian_values_are_the_closed_ones(
    dimension: int, bandwidth: float, relative: float, deviation: float
) -> None:
    """k * q is N(μ, (s² + σ²)I) times (2πσ²)^{D/2}."""
    distance, variance = relative * deviation * math.sqrt(dimension), deviation**2 + bandwidth**2
    found = population(Gaussian(bandwidth), dimension, distance, deviation, NODES)
    log_mass = dimension / 2 * math.log(bandwidth**2 / variance) - distance**2 / (2 * variance)
    assert found.score == pytest.approx(distance / variance, rel=QUADRATURE)
    assert found.shift == pytest.approx(bandwidth**2 * distance / variance, rel=QUADRATURE)
    assert found.log_mass == pytest.approx(log_mass, rel=QUADRATURE, abs=QUADRATURE)
    assert abs(found.covariance) <= QUADRATURE * found.shift


@pytest.mark.parametrize("dimension", [2, 3, 10, 60])
@pytest.mark.parametrize("tau", [0.2, 1.0, 5.0])
def test_laplace_values_are_those_of_bessel_functions(dimension: int, tau: float) -> None:
    """cos θ has the mean I_{D/2}(κ)/I_{D/2−1}(κ), κ = ar: one integral is left, here by adaptive quadrature."""
    distance, order = math.sqrt(dimension), dimension / 2 - 1

    def log_density(r: float) -> float:
        bessel = math.log(special.ive(order, distance * r)) + distance * r - order * math.log(r)
        return -r / tau + (dimension - 1) * math.log(r) - r**2 / 2 + bessel

    grid = np.linspace(1e-3, distance + math.sqrt(dimension) + 12, 2000)
    logs = np.array([log_density(r) for r in grid])
    peak, inside = logs.max(), grid[logs > logs.max() - 60]

    def moment(power: int, toward: bool) -> float:
        def integrand(r: float) -> float:
            cosine = special.ive(order + 1, distance * r) / special.ive(order, distance * r) if toward else 1.0
            return math.exp(log_density(r) - peak) * r**power * cosine

        low = 0.0 if inside[0] == grid[0] else inside[0]
        return integrate.quad(integrand, low or 1e-12, inside[-1], epsabs=0, epsrel=1e-12, limit=400)[0]

    mass = moment(0, False)
    shift, score, mean = moment(1, True) / mass, moment(0, True) / mass / tau, tau * moment(1, False) / mass
    found = population(Laplace(tau), dimension, distance, 1.0, NODES, 1e-9)
    assert found.shift == pytest.approx(shift, rel=1e-9)  # the adaptive quadrature's own accuracy
    assert found.score == pytest.approx(score, rel=1e-9)
    assert found.preconditioner == pytest.approx(mean, rel=1e-9)
    assert found.covariance == pytest.approx(shift - mean * score, abs=1e-9 * shift)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("dimension", [2, 7, 300])
def test_the_decomposition_holds_in_population(kernel: Weighted, dimension: int) -> None:
    found = population(kernel, dimension, 1.3, 0.8, NODES, 1e-8)
    assert found.shift == pytest.approx(found.preconditioner * found.score + found.covariance, rel=1e-9)


def test_a_large_sample_agrees() -> None:
    """400,000 samples in 4 dimensions: the parts to about 1/sqrt(N_eff) = 0.4 %."""
    query = torch.tensor([[2.0, 0, 0, 0]], dtype=torch.float64)
    y = torch.randn(400_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampled, found = decompose(Laplace(0.5), query, y), population(Laplace(0.5), 4, 2.0, 1.0, NODES)
    assert -float(sampled.shift[0, 0]) == pytest.approx(found.shift, rel=0.02)
    assert -float(sampled.score[0, 0]) == pytest.approx(found.score, rel=0.02)
    assert -float(sampled.covariance[0, 0]) == pytest.approx(found.covariance, rel=0.05)  # a tenth of the shift
    fraction = effective_fraction(Laplace(0.5), 4, 2.0, 1.0, NODES)
    assert float(sampled.effective[0]) == pytest.approx(len(y) * fraction, rel=0.02)


@pytest.mark.parametrize("dimension", [2, 9])
def test_the_effective_fraction_is_closed_for_gaussians(dimension: int) -> None:
    sigma, a = 0.6, 1.1

    def log_smoothed(variance: float) -> float:
        return -dimension / 2 * math.log(2 * math.pi * (1 + variance)) - a**2 / (2 * (1 + variance))

    log = dimension / 2 * math.log(4 * math.pi * sigma**2) + 2 * log_smoothed(sigma**2) - log_smoothed(sigma**2 / 2)
    assert effective_fraction(Gaussian(sigma), dimension, a, 1.0, NODES) == pytest.approx(math.exp(log), rel=QUADRATURE)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_residual_falls_as_one_over_the_dimension(power: float) -> None:
    """Over D = 64 … 4096 the slope is −1 up to corrections of order D^{-1/2}, which the tolerance allows."""
    dimensions = np.array([64, 128, 256, 512, 1024, 2048, 4096])
    kernels = [Laplace(0.5 * d**power) for d in dimensions]
    values = [population(k, d, math.sqrt(d), 1.0, NODES) for k, d in zip(kernels, dimensions.tolist(), strict=True)]
    found = fit(np.log(dimensions), np.log([each.relative_residual for each in values]))
    assert found.slope == pytest.approx(-1, abs=0.1)
    assert found.high - found.low < 0.1


def test_the_residual_of_the_drift_grows_when_only_the_scale_is_off() -> None:
    """The control of the above: no residual of a drift need fall (τ ∝ D)."""
    dimensions = np.array([16, 64, 256, 1024])
    pair = Pair(0.0, 0.9)
    found = [pair.compare(Laplace(0.5 * d), d, (0.0, math.sqrt(d)), NODES) for d in dimensions.tolist()]
    slope = fit(np.log(dimensions), np.log([each.relative_residual for each in found])).slope
    assert slope == pytest.approx(0.5, abs=0.05)  # the covariance stays and the drift falls as D^{-1/2}


def test_directions_in_many_dimensions() -> None:
    def compare(offset: float, deviation: float, kernel: Weighted):  # type: ignore[no-untyped-def]
        return Pair(offset, deviation).compare(kernel, 1024, (0.0, 32.0), NODES, 1e-8)

    assert compare(1, 1, Laplace(0.5)).cosine > 0.999
    both = compare(1, 0.9, Laplace(0.5))
    assert both.cosine < 0.8
    assert both.preconditioned_cosine > 1 - 1e-6
    assert abs(compare(0, 0.9, Laplace(0.5)).cosine) == pytest.approx(1, abs=1e-12)  # all along the query
    assert compare(1, 0.9, Gaussian(0.5)).cosine == pytest.approx(
        1, abs=1e-12
    )  # control: no kernel but Laplace's fault


@pytest.mark.parametrize("dimension", [2, 3, 8, 32])
def test_the_low_temperature_limit(dimension: int) -> None:
    """|Cov|/|M| → 1/(D + 1) with an error ∝ τ² (fitted); the direction becomes exact; M → (D + 1)τ²∇log q."""
    temperatures, distance = np.array([1e-2, 3e-3, 1e-3, 3e-4]), math.sqrt(dimension)
    found = [population(Laplace(tau), dimension, distance, 1.0, NODES, 1e-9) for tau in temperatures]
    errors = np.abs(np.array([each.relative_residual for each in found]) * (dimension + 1) - 1)
    assert errors[-1] < 1e-4
    assert fit(np.log(temperatures), np.log(errors)).slope == pytest.approx(2, abs=0.01)
    lowest = (dimension + 1) * temperatures[-1] ** 2 * distance
    assert found[-1].shift == pytest.approx(lowest, rel=1e-4)
    for tau, cosine in ((1e-2, 1 - 1e-5), (1e-3, 1 - 1e-9)):
        assert Pair(1.0, 0.9).compare(Laplace(tau), dimension, (0.0, distance), NODES, 1e-9).cosine > cosine


def test_too_few_nodes_are_refused_with_a_number_that_will_do() -> None:
    with pytest.raises(TooCoarse, match="nodes=8 is too coarse in 1024 dimensions") as refusal:
        population(Laplace(0.5), 1024, 32.0, 1.0, 8, 1e-9)
    assert refusal.value.enough is not None
    population(Laplace(0.5), 1024, 32.0, 1.0, refusal.value.enough, 1e-9)


@pytest.mark.parametrize(("dimension", "distance", "deviation"), [(1, 1.0, 1.0), (2, -1.0, 1.0), (2, 1.0, 0.0)])
def test_what_is_no_gaussian_is_refused(dimension: int, distance: float, deviation: float) -> None:
    with pytest.raises(ValueError, match="no Gaussian"):
        population(Laplace(1.0), dimension, distance, deviation, 16)


def test_a_query_at_the_mean_is_not_moved() -> None:
    found = population(Laplace(1.0), 5, 0.0, 1.0, NODES, 1e-9)
    assert (found.shift, found.score, found.covariance) == (0, 0, 0)
    assert math.isnan(found.relative_residual)
    assert found.preconditioner > 0
