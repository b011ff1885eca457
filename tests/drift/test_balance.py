"""The self term that counts on both sides: fair at q = p, and in many dimensions neither contracts nor blows up."""

from __future__ import annotations

import math

import pytest
import torch

from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Kernel
from drift_cli.metrics.effective_sample_size import bandwidth_seeing
from tests.problems.kernels import KERNELS


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_exchanging_data_and_the_other_samples_changes_the_sign(kernel: Kernel, plane) -> None:
    """So that its mean is 0 at q = p; a query that counts among the model's samples alone has no such identity."""
    x, data, others = plane(1), plane(40) + 0.5, plane(40)

    def drift(self_term: str, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        model = torch.cat([x, second])
        return MeanShift(self_term)(kernel, model, first, model, paired=True)[0]

    there, back = drift("balanced", data, others), drift("balanced", others, data)
    assert there.norm() > 1e-3
    torch.testing.assert_close(there, -back, rtol=1e-9, atol=1e-12)
    assert (drift("include", data, others) + drift("include", others, data)).norm() > 1e-3


def spread_after(self_term: str, dimension: int, start: float, steps: int, rng: torch.Generator) -> float:
    """Mean square radius of 256 particles that begin at `start` times N(0, I/d), their target; the data is fresh."""

    def normal(n: int) -> torch.Tensor:
        return torch.randn(n, dimension, generator=rng) / math.sqrt(dimension)

    kernel = Gaussian(bandwidth_seeing(0.1, Gaussian(1.0), [(normal(128), normal(512))]))
    x, drift = start * normal(256), MeanShift(self_term)
    for _ in range(steps):
        x = x + drift(kernel, x, normal(256), x, paired=True)
    return float((x - x.mean(dim=0)).square().sum(dim=1).mean())


@pytest.mark.parametrize("dimension", [32, 64])
def test_the_spread_of_a_mode_stays(dimension: int, rng: torch.Generator) -> None:
    """Within what 256 particles and finite data leave (a few percent); the other two lose it, each its own way."""
    assert 0.8 < spread_after("balanced", dimension, 1.0, 100, rng) < 1.2
    assert spread_after("include", dimension, 1.0, 100, rng) < 0.6
    assert spread_after("exclude", dimension, 1.0, 100, rng) > 1.8


def test_it_finds_the_spread_again(rng: torch.Generator) -> None:
    """From less than half of it and from 1.4 times: it is a restoring drift, and no drift that stands still."""
    for start in (0.4, 1.4):
        assert 0.8 < spread_after("balanced", 32, start, 150, rng) < 1.2
