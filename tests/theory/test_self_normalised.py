"""The predicted bias and variance of the estimated mean shift, against many estimates."""

from __future__ import annotations

import pytest
import torch

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian, Power
from drift_cli.theory import mixture, self_normalised


@pytest.mark.parametrize("dimension", [1, 2])
def test_bias_and_variance_are_those_of_many_estimates(dimension: int, rng) -> None:
    q, bandwidth, samples, estimates = mixture.normal(dimension), 0.5, 400, 4000
    x = torch.full((1, dimension), 0.8, dtype=torch.float64)
    predicted = self_normalised.predict(q, bandwidth, x, samples)
    assert float(predicted.effective) > 50  # where the expansion is meant to hold
    exact = mixture.mean_shift(q, bandwidth, x)
    found = torch.cat([kernel_mean(Gaussian(bandwidth), x, q.sample(samples, rng)).shift for _ in range(estimates)])
    bias, error = found.mean(dim=0) - exact[0], found.std(dim=0) / estimates**0.5
    # Four standard errors of the mean, and the next order, one over the effective samples.
    assert torch.all((bias - predicted.bias[0]).abs() < 4 * error + predicted.bias[0].abs() / 5)
    assert float(found.var(dim=0).sum() / predicted.variance) == pytest.approx(1, abs=0.15)


def test_the_effective_sample_size_is_that_of_the_weights(rng) -> None:
    """N/ρ against (Σw)²/Σw² of a large sample: E[k]²/E[k²] times N."""
    q, bandwidth, x = mixture.normal(2), 0.5, torch.tensor([[0.5, -0.5]], dtype=torch.float64)
    y = q.sample(200_000, rng)
    kernel = Gaussian(bandwidth)
    first, second = (kernel_mean(k, x, y).log_mass for k in (kernel, Power(kernel, 2.0)))
    measured = float((2 * first - second).exp())
    assert float(self_normalised.predict(q, bandwidth, x, len(y)).effective) == pytest.approx(measured, rel=0.03)
