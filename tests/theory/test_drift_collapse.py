from __future__ import annotations

import numpy as np
import pytest
import torch

from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Laplace, Matern32, Weighted
from drift_cli.theory import drift_collapse, minibatch_loss
from drift_cli.theory.fits import fit
from drift_cli.theory.particle_derivatives import PATHS, derivatives

KERNELS: dict[str, Weighted] = {"gaussian": Gaussian(0.4), "laplace": Laplace(0.4), "matern32": Matern32(0.4)}
VERDICTS = {"none": "unstable", "query": "unstable", "samples": "neutral", "both": "stable"}
every_kernel = pytest.mark.parametrize("name", KERNELS)


@pytest.fixture
def data(plane) -> torch.Tensor:
    """Two clusters of different width."""
    return torch.cat([0.5 * plane(150), 0.3 * plane(100) + 1.5])


@every_kernel
def test_a_mode_is_a_zero_of_the_loss(name: str, data) -> None:
    kernel = KERNELS[name]
    at = drift_collapse.mode(kernel, data, data[:8])
    x = at.place.repeat(7, 1)
    assert MeanShift("include")(kernel, x, data, x, paired=True).abs().max() < 1e-12
    slopes = torch.linalg.eigvalsh(at.slope)
    torch.testing.assert_close(at.slope, at.slope.T, rtol=0, atol=1e-12)  # symmetric for every kernel, where m = x*
    assert slopes.min() > 0
    assert slopes.max() < 1


def test_for_the_gaussian_kernel_j_is_the_covariance_over_the_squared_bandwidth(data) -> None:
    at = drift_collapse.mode(Gaussian(0.4), data, data[:8])
    weights = torch.exp(-(data - at.place).square().sum(dim=1) / (2 * 0.4**2))
    torch.testing.assert_close(at.slope, torch.cov(data.T, aweights=weights, correction=0) / 0.4**2)


@every_kernel
@pytest.mark.parametrize("paths", PATHS)
def test_the_collapsed_state_grows_at_the_predicted_rates(name: str, paths: str, data) -> None:
    kernel, n = KERNELS[name], 5
    at = drift_collapse.mode(kernel, data, data[:8])
    expected = drift_collapse.predicted(at.slope, paths)
    found, eigenvalues = drift_collapse.measured(kernel, at, data, n, paths)
    # central differences of step 1e-5 bandwidths: its square for smooth kernels, for one with a cusp the step itself
    tolerance = 1e-4 if name == "laplace" else 1e-7
    np.testing.assert_allclose(eigenvalues, expected.eigenvalues(n), atol=tolerance)
    np.testing.assert_allclose(found.spread, expected.spread, atol=tolerance)
    np.testing.assert_allclose(found.centre, expected.centre, atol=tolerance)
    assert found.verdict == expected.verdict == VERDICTS[paths]
    for other in set(PATHS) - {paths}:  # control: the rates of another path are told from these
        assert np.abs(eigenvalues - drift_collapse.predicted(at.slope, other).eigenvalues(n)).max() > 0.01


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_a_small_cloud_spreads_under_the_drift_and_collapses_without_stop_gradient(name: str, data, plane) -> None:
    kernel, times = KERNELS[name], np.array([0.0, 1.0, 30.0])
    at = drift_collapse.mode(kernel, data, data[:8])
    start = at.place + 0.05 * kernel.bandwidth * plane(16)
    course = {paths: drift_collapse.follow(kernel, at, data, start, times, paths) for paths in ("none", "both")}
    # by the slowest direction of the linear theory, with half of it for what is not linear
    slowest = float(torch.linalg.eigvalsh(at.slope)[0])
    assert course["none"].std[1] > course["none"].std[0] * np.exp(slowest / 2)
    assert course["none"].std[2] > 5 * course["none"].std[0]
    assert course["both"].std[2] < course["both"].std[0] * np.exp(-(slowest**2) * 15)
    assert course["both"].loss[2] < 0.1 * course["both"].loss[0]


@pytest.mark.parametrize(("name", "order"), [("gaussian", 3), ("laplace", 2), ("matern32", 3)])
def test_through_the_samples_alone_a_small_cloud_spreads_at_a_higher_order(name: str, order: int, data, plane) -> None:
    kernel = KERNELS[name]
    at = drift_collapse.mode(kernel, data, data[:8])
    shape = plane(40)
    shape = shape - shape.mean(dim=0)
    sizes, growth = 1e-3 * np.array([1, 2, 4, 8]), []
    for size in sizes:
        away = derivatives(kernel, at.place + size * kernel.bandwidth * shape, data).descent("samples")
        growth.append(float((away * shape).sum()))  # the shape has no mean, so the centre's motion drops out
    assert min(growth) > 0
    # the next order is 8e-3 of this one, the size of the largest cloud in bandwidths, times a number of order one
    assert abs(fit(np.log(sizes), np.log(growth)).slope - order) < 0.05


def test_a_minimum_of_the_density_is_not_a_mode() -> None:
    data = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)  # half-way the mean shift is exactly zero
    with pytest.raises(ValueError, match="no mode"):
        drift_collapse.mode(Gaussian(0.4), data, torch.zeros(1, 1, dtype=torch.float64))


@pytest.mark.parametrize("name", ["gaussian", "laplace"])
def test_the_minibatch_loss_falls_as_one_over_n_by_the_predicted_constants(name: str, plane, rng) -> None:
    kernel = KERNELS[name]
    population = torch.cat([0.5 * plane(2500), 0.3 * plane(1500) + 1.5])
    place = drift_collapse.mode(kernel, population, population[:8]).place
    constants = minibatch_loss.predicted(kernel, population, population, place)
    sizes = np.array([256, 512, 1024])
    truth, collapsed = (
        [draw(int(n)) for n in sizes]
        for draw in (
            lambda n: minibatch_loss.at_truth(kernel, population, n, 30, rng).numpy(),
            lambda n: minibatch_loss.at_collapse(kernel, population, place, n, 300, rng).numpy(),
        )
    )
    for values, constant, rho in (
        (truth, constants.truth, constants.rho_truth),
        (collapsed, constants.collapsed, constants.rho_collapsed),
    ):
        mean, error = (np.array([f(each) for each in values]) for f in (np.mean, lambda e: np.std(e) / len(e) ** 0.5))
        # five standard errors, and the next order in ρ/N
        assert (np.abs(mean * sizes / constant - 1) < 5 * error / mean + 4 * rho / sizes).all()
        noise = np.sqrt(((error / mean) ** 2).sum()) / np.log(4)
        assert abs(fit(np.log(sizes), np.log(mean)).slope + 1) < 5 * noise + 4 * rho / sizes[0]
    assert collapsed[-1].mean() < 0.7 * truth[-1].mean()  # at a mode ρ is less than on average, and half the noise


def test_the_constant_is_the_variance_of_the_mean_shift(plane, rng) -> None:
    kernel, population, x = Gaussian(0.6), plane(800), plane(3)
    noise, rho = minibatch_loss.noise_and_rho(kernel, population, x)
    n, drift = 400, MeanShift("include")
    draws = torch.stack(
        [drift(kernel, x, population[torch.randint(800, (n,), generator=rng)], x, paired=False) for _ in range(1000)]
    )
    ratio = n * draws.var(dim=0).sum(dim=1) / noise
    # the error of a variance from 1,000 draws, 5 × √(2/1000), and the next order in ρ/N
    assert ((ratio - 1).abs() < 0.23 + 4 * rho / n).all()
    assert (rho >= 1).all()
