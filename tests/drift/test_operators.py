"""One property each of the operators from elsewhere in the field."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from drift_cli.drift import KernelScore, Lookahead, MeanShift, NoisedQuery, Sharp, SinkhornProxy
from drift_cli.fused import log_masses
from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.kernels.sharp import companion
from tests.problems.kernels import KERNELS
from tests.problems.smoothed import kde_score

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
ROUNDING = 1e-11  # float64 sums of some hundred terms


def log_ratio_gradient(kernel: Kernel, x: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """∇ log p_k/q_k at new points, from dense distances."""
    at = x.clone().requires_grad_(True)

    def log_mass(points: Tensor) -> Tensor:
        r = (at[:, None, :] - points[None, :, :]).norm(dim=2)
        return torch.logsumexp(kernel.log_profile(r), dim=1)

    (gradient,) = torch.autograd.grad((log_mass(p) - log_mass(q)).sum(), at)
    return gradient


@every_kernel
def test_sharp_is_a_score_difference_with_any_kernel(kernel: Kernel, plane) -> None:
    x, p, q = plane(30), plane(80) + 0.5, plane(70)
    expected = log_ratio_gradient(companion(kernel).kernel, x, p, q)
    torch.testing.assert_close(Sharp("include")(kernel, x, p, q, paired=False), expected, rtol=1e-10, atol=1e-10)


@every_kernel
def test_kernel_score_is_that_of_the_kernel_itself(kernel: Kernel, plane) -> None:
    x, p, q = plane(30), plane(80) + 0.5, plane(70)
    found = KernelScore("include")(kernel, x, p, q, paired=False)
    torch.testing.assert_close(found, log_ratio_gradient(kernel, x, p, q), rtol=1e-10, atol=1e-10)
    if isinstance(kernel, Gaussian):
        plain = MeanShift("include")(kernel, x, p, q, paired=False) / kernel.bandwidth**2
        torch.testing.assert_close(found, plain, rtol=1e-10, atol=1e-10)
    else:  # negative control: with another kernel neither is a multiple of the mean shift
        plain = MeanShift("include")(kernel, x, p, q, paired=False)
        assert torch.nn.functional.cosine_similarity(found, plain, dim=1).min() < 1 - 1e-3


@pytest.mark.parametrize("operator", [Sharp, KernelScore, SinkhornProxy])
@every_kernel
def test_a_set_does_not_drift_against_itself(operator, kernel: Kernel, plane) -> None:
    x = plane(60)
    assert operator("include")(kernel, x, x, x, paired=True).abs().max() < ROUNDING


@pytest.mark.parametrize("operator", [Sharp, KernelScore])
def test_they_are_finite_fifty_bandwidths_away(operator, plane) -> None:
    data = 0.02 * plane(50).float()
    model = data + torch.tensor([20.0, 0.0])
    for kernel in (Gaussian(0.1), Laplace(0.1)):
        found = operator("include")(kernel, model, data, model, paired=True)
        assert torch.isfinite(found).all()
        assert (found[:, 0] < -1).all()


@pytest.mark.parametrize("self_term", ["include", "exclude"])
def test_the_proxy_is_its_formula(self_term: str, plane) -> None:
    x, y, tau = plane(30), plane(40) + 0.5, 0.7

    def weights(points: Tensor, masked: bool) -> Tensor:
        k = (-torch.cdist(x, points, compute_mode="donot_use_mm_for_euclid_dist") / tau).exp()
        k = k * (1 - torch.eye(30, dtype=k.dtype)) if masked else k
        return k / (k.sum(dim=1, keepdim=True) * k.sum(dim=0, keepdim=True)).sqrt()

    toward, away = weights(y, False), weights(x, self_term == "exclude")
    gain = toward.sum(dim=1, keepdim=True) * away.sum(dim=1, keepdim=True)
    means = [a @ points / a.sum(dim=1, keepdim=True) for a, points in ((toward, y), (away, x))]
    found = SinkhornProxy(self_term)(Laplace(tau), x, y, x, paired=True)
    torch.testing.assert_close(found, gain * (means[0] - means[1]), rtol=ROUNDING, atol=ROUNDING)


def test_the_noised_query_is_the_velocity_of_the_smoothed_divergence(plane, rng) -> None:
    """Its mean is σ² G_σ*(∇log p_σ − ∇log q_σ), by Gauss-Hermite nodes; 4,000 draws leave their standard error."""
    import numpy as np

    sigma, x, p = 0.5, plane(6, 1), plane(8, 1) + 0.5
    operator = NoisedQuery(MeanShift("include"), 1).drawing_from(rng)
    draws = torch.stack([operator(Gaussian(sigma), x, p, x, paired=True) for _ in range(4000)])
    nodes, masses = np.polynomial.hermite_e.hermegauss(80)
    expected = sum(
        mass * (kde_score(x + sigma * node, p, sigma) - kde_score(x + sigma * node, x, sigma)) * sigma**2
        for node, mass in zip(nodes, masses / masses.sum(), strict=True)
    )
    off = (draws.mean(dim=0) - expected) / (draws.std(dim=0) / math.sqrt(len(draws)))
    assert off.abs().max() < 4.5  # standard errors
    plain = MeanShift("include")(Gaussian(sigma), x, p, x, paired=True)
    assert (
        (plain - expected).abs() / (draws.std(dim=0) / math.sqrt(len(draws)))
    ).max() > 10  # and not the drift itself


def test_noise_is_of_its_stream(plane) -> None:
    x, p = plane(10), plane(12)
    operator = NoisedQuery(MeanShift("include"), 2)

    def found(seed: int) -> Tensor:
        return operator.drawing_from(torch.Generator().manual_seed(seed))(Gaussian(0.5), x, p, x, paired=True)

    assert torch.equal(found(1), found(1))
    assert not torch.equal(found(1), found(2))


def test_lookahead_ends_where_the_samples_go_by_themselves(plane) -> None:
    kernel, x, p, base = Gaussian(0.7), plane(30), plane(40) + 1, MeanShift("include")
    samples = x
    for _ in range(3):
        samples = samples + base(kernel, samples, p, samples, paired=True)
    found = Lookahead(base, (1.0, 1.0, 1.0))(kernel, x, p, x, paired=True)
    torch.testing.assert_close(x + found, samples, rtol=ROUNDING, atol=ROUNDING)
    at_queries = Lookahead(base, (1.0, 1.0, 1.0))(kernel, x, p, x, paired=False)
    torch.testing.assert_close(at_queries, found, rtol=ROUNDING, atol=ROUNDING)
    only_first = Lookahead(base, (1.0, 0.0))(kernel, x, p, x, paired=True)
    torch.testing.assert_close(only_first, base(kernel, x, p, x, paired=True), rtol=0, atol=0)
    assert log_masses(kernel, (1.0,), x + found, p)[0].mean() > log_masses(kernel, (1.0,), x + only_first, p)[0].mean()
