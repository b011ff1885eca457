"""−N ∂D/∂x_i by autograd against its closed form, written densely here; and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from drift_cli.discrepancy import Chi2, Energy, Mmd, SinkhornDivergence, SlicedWasserstein, SmoothedKl
from drift_cli.discrepancy.sliced_wasserstein import along
from drift_cli.discrepancy.smoothed_kl import at_noise
from drift_cli.drift import FromDiscrepancy, MeanShift, Sinkhorn
from drift_cli.errors import RunFailed, UserError
from drift_cli.kernels import Gaussian, Kernel, Laplace

SIGMA = 0.6
GAUSSIAN = Gaussian(SIGMA)
ROUNDING = 1e-12  # float64 sums of some hundred terms of size one


def drift(discrepancy: object, kernel: Kernel, x: Tensor, data: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return FromDiscrepancy(discrepancy, "tested", generator)(kernel, x, data, x, paired=True)  # type: ignore[arg-type]


def gaps(x: Tensor, y: Tensor) -> Tensor:
    """[n, m, d]: y_j − x_i."""
    return y[None, :, :] - x[:, None, :]


def gaussian(x: Tensor, y: Tensor) -> Tensor:
    return (-gaps(x, y).square().sum(dim=2) / (2 * SIGMA**2)).exp()


def mmd_gaussian(x: Tensor, y: Tensor) -> Tensor:
    def pull(points: Tensor) -> Tensor:
        return (gaussian(x, points)[:, :, None] * gaps(x, points)).mean(dim=1) / SIGMA**2

    return pull(y) - pull(x)


def mmd_laplace(x: Tensor, y: Tensor) -> Tensor:
    tau = 0.5

    def pull(points: Tensor) -> Tensor:
        r = gaps(x, points).norm(dim=2, keepdim=True)
        return torch.where(r > 0, (-r / tau).exp() / (tau * r) * gaps(x, points), 0.0).mean(dim=1)

    return pull(y) - pull(x)


def energy(x: Tensor, y: Tensor) -> Tensor:
    return torch.nn.functional.normalize(gaps(x, y), dim=2).mean(dim=1) - torch.nn.functional.normalize(
        gaps(x, x), dim=2
    ).mean(dim=1)


def chi2(x: Tensor, y: Tensor) -> Tensor:
    own, data = gaussian(x, x), gaussian(x, y).mean(dim=1)
    ratio = own.mean(dim=1) / data
    v = MeanShift("include")(GAUSSIAN, x, y, x, paired=True)
    other = (own / data[None, :])[:, :, None] * gaps(x, x)
    return (ratio[:, None] * v - other.mean(dim=1)) / SIGMA**2


def sinkhorn(x: Tensor, y: Tensor) -> Tensor:
    return Sinkhorn(0.2, 1e-12, 5000)(GAUSSIAN, x, y, x, paired=True)


CLOSED: dict[str, tuple[object, Kernel, Callable[[Tensor, Tensor], Tensor], float]] = {
    "mmd, gaussian": (Mmd(), GAUSSIAN, mmd_gaussian, ROUNDING),
    "mmd, laplace": (Mmd(), Laplace(0.5), mmd_laplace, ROUNDING),
    "energy": (Energy(), GAUSSIAN, energy, ROUNDING),
    "chi2": (Chi2(), GAUSSIAN, chi2, 1e-11),
    "sinkhorn": (SinkhornDivergence(0.2, 1e-12, 5000), GAUSSIAN, sinkhorn, 1e-10),  # what the iterations leave
}


@pytest.mark.parametrize(("discrepancy", "kernel", "closed", "tolerance"), CLOSED.values(), ids=CLOSED)
def test_autograd_is_the_closed_form(discrepancy, kernel, closed, tolerance, plane) -> None:
    x, y = plane(40), 0.6 * plane(50) + 0.5
    expected = closed(x, y)
    assert expected.norm(dim=1).min() > 1e-4  # not about zeros
    assert (drift(discrepancy, kernel, x, y) - expected).norm() / expected.norm() < tolerance


def test_forms_of_other_discrepancies_are_told_apart(plane) -> None:
    """Negative control."""
    x, y = plane(40), 0.6 * plane(50) + 0.5
    found = [drift(discrepancy, kernel, x, y) for discrepancy, kernel, *_ in CLOSED.values()]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert (one - other).norm() / other.norm() > 0.05


@pytest.mark.parametrize("points", [40, 60, 25])
def test_sliced_wasserstein_moves_each_rank_to_its_quantiles(points: int, plane) -> None:
    """Against the mean of the data's quantile function over the rank's interval, on a fine grid of levels."""
    x, y, theta = plane(40), plane(points) + 1, torch.nn.functional.normalize(plane(7), dim=1)
    expected = torch.zeros_like(x)
    for direction in theta:
        along_x, along_y = x @ direction, (y @ direction).sort().values
        ranks = along_x.argsort().argsort()
        fine = 600 // 40  # divides the levels of both sizes without remainder
        levels = (ranks[:, None] * fine + torch.arange(fine)) / 600 + 0.5 / 600
        target = along_y[(levels * points).long()].mean(dim=1)
        expected += (target - along_x)[:, None] * direction / len(theta)

    def fixed(kernel: Kernel, x: Tensor, data: Tensor, generator: torch.Generator) -> Tensor:
        return along(x, data, theta)

    torch.testing.assert_close(drift(fixed, GAUSSIAN, x, y), expected, rtol=1e-11, atol=1e-11)


def test_sliced_wasserstein_carries_a_translation_off_at_the_rate_of_one_in_d(plane) -> None:
    """E θθᵀ = I/d; 4,000 directions leave about 1/√4000 of it."""
    x, away = plane(30, 4), torch.ones(4, dtype=torch.float64)
    found = drift(SlicedWasserstein(4000), GAUSSIAN, x, x + away)
    assert (found - away / 4).abs().max() < 0.05


def test_smoothed_kl_is_the_smoothed_drift() -> None:
    """G_σ * V/σ² on a line, both expectations over the same Gauss-Hermite nodes, of which 64 are converged here."""
    x, y = (torch.tensor(p, dtype=torch.float64)[:, None] for p in ([-1.0, 0.1, 0.9, 1.4], [0.0, 0.7, 2.0]))
    nodes, masses = np.polynomial.hermite_e.hermegauss(64)
    noise = torch.from_numpy(nodes)[:, None, None].expand(64, len(x), 1)
    weights = torch.from_numpy(masses / masses.sum())

    def exact(kernel: Kernel, x: Tensor, data: Tensor, generator: torch.Generator) -> Tensor:
        return at_noise(kernel, x, data, noise, weights)

    means = [MeanShift("include")(GAUSSIAN, x + SIGMA * n, y, x, paired=False) for n in torch.from_numpy(nodes)]
    expected = torch.einsum("k,knd->nd", weights, torch.stack(means)) / SIGMA**2
    assert (drift(exact, GAUSSIAN, x, y) - expected).abs().max() < 1e-8
    plain = MeanShift("include")(GAUSSIAN, x, y, x, paired=True) / SIGMA**2
    assert (expected - plain).abs().max() > 0.1  # negative control: the drift itself is another field


def test_smoothed_kl_by_draws_has_that_value_and_that_mean(plane) -> None:
    """One draw against many, within 4.5 standard errors."""
    x, y = plane(20), plane(25) + 0.5
    generator = torch.Generator().manual_seed(2)
    found = torch.stack(
        [FromDiscrepancy(SmoothedKl(4), "", generator)(GAUSSIAN, x, y, x, paired=True) for _ in range(400)]
    )
    noised = [MeanShift("include")(GAUSSIAN, x + SIGMA * plane(20), y, x, paired=False) for _ in range(1600)]
    expected = torch.stack(noised) / SIGMA**2
    errors = (found.var(dim=0) / len(found) + expected.var(dim=0) / len(expected)).sqrt()
    worst = ((found.mean(dim=0) - expected.mean(dim=0)) / errors).abs().max()
    assert worst < stats.norm.isf(1e-5 / 40)


@pytest.mark.parametrize(
    "discrepancy",
    [Mmd(), Energy(), SlicedWasserstein(20), SinkhornDivergence(0.2, 1e-10, 5000), Chi2(), SmoothedKl(200)],
)
def test_it_is_nothing_between_equals_and_something_between_others(discrepancy, plane) -> None:
    x, generator = plane(60), torch.Generator().manual_seed(1)
    at_home = float(discrepancy(GAUSSIAN, x, x, generator))
    away = float(discrepancy(GAUSSIAN, x, x + 1, generator))
    assert abs(at_home) < 1e-9
    assert away > 0.01


REFUSED = {
    "nan": (lambda x: x.sum() * math.nan, RunFailed, "The discrepancy mine was nan"),
    "infinite": (lambda x: x.square().sum() / 0, RunFailed, "The discrepancy mine was inf"),
    "vector": (
        lambda x: x.sum(dim=1),
        UserError,
        r"The discrepancy mine must return one number .* got a tensor \(6,\)",
    ),
    "number": (
        lambda x: float(x.detach().sum()),
        UserError,
        "The discrepancy mine must return one number .* got a float",
    ),
    "detached": (lambda x: x.detach().sum(), UserError, "The discrepancy mine does not depend on the samples"),
}


@pytest.mark.parametrize(("broken", "error", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_discrepancy_is_named(broken, error, told: str, plane) -> None:
    def mine(kernel: Kernel, x: Tensor, data: Tensor, generator: torch.Generator) -> Tensor:
        return broken(x)

    x = plane(6)
    with pytest.raises(error, match=told) as raised:
        FromDiscrepancy(mine, "mine")(GAUSSIAN, x, plane(5), x, paired=True)
    assert "\n" not in str(raised.value)


def test_there_is_no_field_between_the_samples(plane) -> None:
    x = plane(6)
    with pytest.raises(ValueError, match=r"only at the model.s samples"):
        FromDiscrepancy(Mmd(), "mmd")(GAUSSIAN, plane(6), plane(5), x, paired=False)
