"""Identities of the mean-shift drift, in float64 unless the point is float32."""

from __future__ import annotations

import math

import pytest
import torch

from drift_cli.drift import MeanShift
from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian, Kernel, Laplace
from tests.problems.kernels import KERNELS
from tests.problems.smoothed import kde_score

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
INCLUDE, EXCLUDE = MeanShift("include"), MeanShift("exclude")
ROUNDING = 1e-12  # float64 sums of some hundred terms of size one


@every_kernel
def test_a_set_does_not_drift_against_itself(kernel: Kernel, plane) -> None:
    x = plane(150)
    assert INCLUDE(kernel, x, x, x, paired=True).abs().max() == 0


@every_kernel
def test_the_drift_changes_sign_when_data_and_model_swap(kernel: Kernel, plane) -> None:
    x, p, q = plane(40), plane(60) + 1, plane(50)
    forward = INCLUDE(kernel, x, p, q, paired=False)
    assert forward.abs().max() > 0.01  # the identity is not about zeros
    torch.testing.assert_close(forward, -INCLUDE(kernel, x, q, p, paired=False), rtol=0, atol=0)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 2.0])
@pytest.mark.parametrize("dimension", [1, 2, 5, 20])
def test_with_a_gaussian_kernel_it_is_a_score_difference(sigma: float, dimension: int, plane) -> None:
    x, p, q = plane(30, dimension), plane(80, dimension) + 0.5, plane(70, dimension)
    expected = sigma**2 * (kde_score(x, p, sigma) - kde_score(x, q, sigma))
    drift = INCLUDE(Gaussian(sigma), x, p, q, paired=False)
    torch.testing.assert_close(drift, expected, rtol=ROUNDING, atol=ROUNDING * math.sqrt(dimension))


def test_with_a_laplace_kernel_it_is_not(plane) -> None:
    """Negative control: no constant makes it the difference of the scores of Laplace-smoothed densities."""
    tau, x, p, q = 0.5, plane(30), plane(80) + 0.5, plane(70)
    at = x.clone().requires_grad_(True)
    masses = kernel_mean(Laplace(tau), at, p).log_mass - kernel_mean(Laplace(tau), at, q).log_mass
    (scores,) = torch.autograd.grad(masses.sum(), at)
    drift = INCLUDE(Laplace(tau), x, p, q, paired=False)
    best = (drift * scores).sum() / scores.square().sum()
    assert (drift - best * scores).norm() / drift.norm() > 0.05


@every_kernel
@pytest.mark.parametrize("drift", [INCLUDE, EXCLUDE], ids=["include", "exclude"])
def test_it_moves_and_turns_with_the_points(kernel: Kernel, drift: MeanShift, plane) -> None:
    x, p = plane(40, 3), plane(60, 3)
    turn, _ = torch.linalg.qr(plane(3, 3))
    shift = plane(1, 3)
    here = drift(kernel, x, p, x, paired=True)
    there = drift(kernel, x @ turn.T + shift, p @ turn.T + shift, x @ turn.T + shift, paired=True)
    torch.testing.assert_close(there, here @ turn.T, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kernel", [Gaussian(0.1), Laplace(0.1)], ids=["gaussian", "laplace"])
def test_queries_fifty_bandwidths_away_are_pulled_to_the_data_in_float32(kernel: Kernel, plane) -> None:
    data = 0.02 * plane(100).float()
    model = data + torch.tensor([20.0, 0.0])
    x = torch.tensor([[5.0, 0.0], [-5.0, 0.0], [0.0, 5.0]])
    drift = INCLUDE(kernel, x, data, model, paired=False)
    assert torch.isfinite(drift).all()
    # From the model's cloud at (20, 0) toward the data at 0: V = ȳ − x̄ points left, by about their distance.
    assert (drift[:, 0] < -19).all()
    assert (drift[:, 1].abs() < 1).all()


@every_kernel
def test_counting_oneself_shrinks_the_repulsion_by_the_share_of_the_own_weight(kernel: Kernel, plane) -> None:
    x = plane(60)
    included = kernel_mean(kernel, x, x)
    others = kernel_mean(kernel, x, x, exclude_diagonal=True)
    share = (-included.log_mass).exp().unsqueeze(1)  # k(0) = 1 over the row's sum
    torch.testing.assert_close(included.shift, (1 - share) * others.shift, rtol=1e-9, atol=1e-12)


def test_at_equilibrium_leaving_oneself_out_is_unbiased_and_counting_oneself_contracts() -> None:
    """Mean drift of one fixed query at q = p over many batches (theory: included is off by b·M, excluded by none)."""
    generator = torch.Generator().manual_seed(1)
    batches, n, x0 = 400, 64, torch.tensor([[1.2, 0.4]], dtype=torch.float64)
    drifts: dict[str, list[torch.Tensor]] = {"include": [], "exclude": []}
    for _ in range(batches):
        data = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        model = torch.cat([x0, torch.randn(n - 1, 2, generator=generator, dtype=torch.float64)])
        for self_term, found in drifts.items():
            found.append(MeanShift(self_term)(Laplace(0.5), model, data, model, paired=True)[0])
    errors = {}
    for self_term, found in drifts.items():
        values = torch.stack(found)
        errors[self_term] = float((values.mean(0) / (values.std(0) / math.sqrt(batches))).norm())
    assert errors["exclude"] < 4.5  # standard errors in the plane: exceeded by chance once in 25,000
    assert errors["include"] > 8


def test_new_points_have_no_self_term(plane) -> None:
    x, p, q = plane(20), plane(30), plane(20)
    torch.testing.assert_close(
        EXCLUDE(Laplace(0.5), x, p, q, paired=False), INCLUDE(Laplace(0.5), x, p, q, paired=False), rtol=0, atol=0
    )
