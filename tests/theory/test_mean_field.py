from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from drift_cli.theory import mean_field
from drift_cli.theory.descent import follow
from drift_cli.theory.mixture import GaussianMixture
from tests.problems.smoothed import kde_score


def target() -> GaussianMixture:
    weights, means, variances = torch.tensor([[0.6, 0.4], [-1.0, 1.5], [0.25, 0.16]], dtype=torch.float64)
    return GaussianMixture(weights, means[:, None], variances)


def points() -> Tensor:
    return torch.linspace(-0.5, 2.5, 12, dtype=torch.float64)


def test_the_field_is_that_of_the_empirical_measure_with_each_particle_in_it() -> None:
    x = points()[:, None]
    expected = 0.25 * (target().smoothed(0.5).score(x) - kde_score(x, x, 0.5))
    torch.testing.assert_close(mean_field.drift_field(target(), 0.5)(x), expected, rtol=0, atol=1e-12)
    assert float((mean_field.attraction(target(), 0.5)(x) - expected).abs().max()) > 0.1


def test_steps_are_those_of_euler() -> None:
    """dx/dt = −x: after k steps (1 − η)^k, off the exact path by the difference."""
    start = torch.tensor([2.0], dtype=torch.float64)
    path = torch.from_numpy(2 * np.exp(-np.array([[0.0], [0.5], [1.0]])))
    expected = max(abs(2 * 0.9**5 - 2 * np.exp(-0.5)), abs(2 * 0.9**10 - 2 * np.exp(-1.0)))
    assert mean_field.off_the_path(lambda x: -x, path, 1.0, 10) == pytest.approx(expected, rel=1e-12)
    moving = mean_field.steps(lambda x: -x, start, 0.1)
    assert [float(next(moving)) for _ in range(2)] == pytest.approx([1.8, 1.62])


def test_the_step_tends_to_its_own_flow_and_to_no_other() -> None:
    field = mean_field.drift_field(target(), 0.5)
    times = np.linspace(0, 1, 5)
    exact, other = follow(field, points(), times), follow(lambda x: 1.1 * field(x), points(), times)
    coarse, fine = (mean_field.off_the_path(field, exact, 1.0, count) for count in (64, 128))
    assert np.log2(coarse / fine) == pytest.approx(1, abs=0.05)  # next term: of relative order η, 1 %
    coarse, fine = (mean_field.off_the_path(field, other, 1.0, count) for count in (64, 128))
    assert fine > 0.8 * coarse


def test_the_distance_of_laws_takes_different_numbers_of_points() -> None:
    x = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert mean_field.law_distance(x, x.repeat_interleave(3)) == pytest.approx(0, abs=1e-15)
    assert mean_field.law_distance(x, torch.tensor([0.5], dtype=torch.float64)) == pytest.approx(0.5)
