"""Where guided drifting ends: the closed form, its zero, and particles that are driven there."""

from __future__ import annotations

import pytest
import torch

from drift_cli.data.labelled_mixture import LabelledMixture
from drift_cli.drift import MeanShift, drift_of_classes, with_unconditional
from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian
from drift_cli.theory.guidance import guided_shares, most_guidance, whole

SHARES = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], dtype=torch.float64)
FREQUENCIES = torch.tensor([0.25, 0.75], dtype=torch.float64)
EVEN = torch.tensor([0.5, 0.5], dtype=torch.float64)
KERNEL = Gaussian(0.5)


def mixture(shares: torch.Tensor, frequencies: torch.Tensor) -> LabelledMixture:
    return LabelledMixture.from_settings(2, 0.7, 0.2, shares.tolist(), tuple(frequencies.tolist()))


def test_the_optimum_and_the_whole_make_the_class() -> None:
    for alpha in (1.0, 1.3, 1.5):
        found = guided_shares(SHARES, FREQUENCIES, alpha)
        torch.testing.assert_close(found.sum(dim=1), torch.ones(2, dtype=torch.float64))
        negatives = (found + (alpha - 1) * whole(SHARES, FREQUENCIES)) / alpha
        torch.testing.assert_close(negatives, SHARES)


def test_the_most_guidance_empties_a_mode_and_more_is_refused() -> None:
    most = most_guidance(SHARES, FREQUENCIES)
    assert float(guided_shares(SHARES, FREQUENCIES, most).min()) < 1e-12
    with pytest.raises(ValueError, match="would be negative"):
        guided_shares(SHARES, FREQUENCIES, most + 0.01)
    assert most_guidance(SHARES[:1], torch.ones(1, dtype=torch.float64)) == float("inf")


def guided_drift(
    x: torch.Tensor, data: torch.Tensor, others: torch.Tensor, alpha: float, self_term: str = "exclude"
) -> torch.Tensor:
    if alpha == 1:
        return drift_of_classes(MeanShift(self_term), KERNEL, x, data, x, paired=True)
    negatives, log_weights = with_unconditional(x, others, torch.full((2,), alpha, dtype=x.dtype))
    return drift_of_classes(MeanShift(self_term), KERNEL, x, data, negatives, paired=True, log_weights=log_weights)


@pytest.mark.parametrize("m", [500, 4000])
def test_the_drift_vanishes_there_and_nowhere_near(m: int) -> None:
    """Whatever the number of unconditional points: n − 1 is the number of negatives that they are weighed against."""
    alpha, n, generator = 1.5, 4000, torch.Generator().manual_seed(0)
    target = mixture(SHARES, FREQUENCIES)
    data = target.sample_of_each(n, generator, torch.float64).points.view(2, n, 2)
    others = target.sample(m, generator, torch.float64).points

    def size(of: float) -> float:
        """Root mean square of the rarer class' drift at the optimum of strength `of`."""
        q = mixture(guided_shares(SHARES, FREQUENCIES, of), FREQUENCIES)
        x = q.sample_of_each(n, generator, torch.float64).points.view(2, n, 2)
        return float(guided_drift(x, data, others, alpha)[0].square().mean().sqrt())

    # What is left is the noise of the samples, about their spread over the root of those in reach of the kernel.
    assert size(alpha) < 0.75 * min(size(1.0), size(1.85))


def test_what_is_added_is_the_mixture_of_the_means(plane) -> None:
    """Each class by itself, from the means of its own samples and of the unconditional points."""
    n, m, alpha = 30, 8, torch.tensor([1.2, 3.0], dtype=torch.float64)
    x, data, others = plane(2 * n).view(2, n, 2), plane(2 * n).view(2, n, 2), plane(m)
    negatives, log_weights = with_unconditional(x, others, alpha)
    found = drift_of_classes(MeanShift("exclude"), KERNEL, x, data, negatives, paired=True, log_weights=log_weights)
    for c in range(2):
        own = kernel_mean(KERNEL, x[c], x[c], exclude_diagonal=True)
        rest = kernel_mean(KERNEL, x[c], others)
        mass, extra = own.log_mass.exp() / (n - 1), (alpha[c] - 1) * rest.log_mass.exp() / m
        repulsion = (mass[:, None] * own.shift + extra[:, None] * rest.shift) / (mass + extra)[:, None]
        torch.testing.assert_close(found[c], kernel_mean(KERNEL, x[c], data[c]).shift - repulsion)


def ending_shares(alpha: float, self_term: str, n: int = 300) -> torch.Tensor:
    """The modes' shares of particles that follow the guided drift against fresh data, averaged over the last steps."""
    generator, target = torch.Generator().manual_seed(0), mixture(SHARES, EVEN)
    means = torch.tensor(target.means, dtype=torch.float64)
    x = torch.randn(2, n, 2, generator=generator, dtype=torch.float64)
    found = []
    for step in range(80):
        data = target.sample_of_each(n, generator, torch.float64).points.view(2, n, 2)
        others = target.sample(n, generator, torch.float64).points
        x = x + guided_drift(x, data, others, alpha, self_term)
        if step >= 40:
            near = torch.cdist(x, means[None]).argmin(dim=-1)
            found.append(torch.nn.functional.one_hot(near, 3).double().mean(dim=1))
    return torch.stack(found).mean(dim=0)


@pytest.mark.parametrize("self_term", ["exclude", "include"])
def test_particles_end_there(self_term: str) -> None:
    guided, plain = ending_shares(1.5, self_term), ending_shares(1.0, self_term)
    optimum = guided_shares(SHARES, EVEN, 1.5)
    # A share of fresh data of 300 points varies by .03 a step; the mean of 40 steps by less. Shares differ by .075.
    assert float((guided - optimum).abs().max()) < 0.03
    assert float((plain - SHARES).abs().max()) < 0.03
    assert float((guided - guided_shares(SHARES, EVEN, 2.0)).abs().max()) > 0.04
    assert float((plain - optimum).abs().max()) > 0.05
