"""Each measure against a case that is known without it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from drift_cli.judging.class_histogram import histogram_p
from drift_cli.judging.frechet import frechet_distance
from drift_cli.judging.manifolds import manifolds
from drift_cli.judging.preference import preference
from drift_cli.metrics.energy_distance import energy_distance


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_frechet_of_a_shift_and_a_stretch_is_exact() -> None:
    """y = a(x) + b with orthogonal axes: |b|² + Σ (s − 1)² var, whatever the sample."""
    x = torch.linalg.qr(normal(50, 3, 0) - normal(50, 3, 0).mean(dim=0)).Q
    stretched = x * torch.tensor([1.0, 2.0, 3.0]) + 1
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(x, stretched) == pytest.approx(3 + 5 / 49, rel=1e-9)
    assert frechet_distance(stretched, x) == pytest.approx(frechet_distance(x, stretched), rel=1e-9)


def test_coverage_of_one_distribution_is_one_less_two_to_the_minus_k() -> None:
    """Naeem et al. 2020, appendix: .969 at k = 5; 4,000 balls leave a deviation near .003."""
    found = manifolds(normal(4000, 8, 0), normal(4000, 8, 1))
    assert found.coverage == pytest.approx(1 - 2**-5, abs=0.01)
    assert found.density == pytest.approx(1, abs=0.05)


def test_energy_of_two_points_and_of_a_shift() -> None:
    one, two = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    assert energy_distance(one, two) == pytest.approx(10)
    x = normal(3000, 1, 0)
    assert energy_distance(x, x + 100) == pytest.approx(200 - 2 * 2 / torch.pi**0.5, rel=1e-3)  # E|x − x'| = 2/√π
    assert energy_distance(x, normal(3000, 1, 1)) < 0.01


def test_a_fair_histogram_has_a_uniform_p_and_a_skewed_one_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    real = torch.arange(1000) % 10
    fair = torch.tensor([histogram_p(torch.randint(10, (500,), generator=generator), real) for _ in range(200)])
    assert float((fair < 0.5).double().mean()) == pytest.approx(0.5, abs=0.12)
    assert histogram_p(torch.randint(9, (500,), generator=generator), real) < 1e-6
    assert histogram_p(torch.full((50,), 11), real) == 0


def test_preference_lies_between_chance_and_copies() -> None:
    train, held_out = normal(800, 6, 0), normal(200, 6, 1)
    fresh = preference(normal(2000, 6, 2), train, held_out, torch.Generator().manual_seed(0))
    assert fresh.value == pytest.approx(0.5, abs=0.06)
    assert fresh.copies == pytest.approx(1 / 4 + 3 / 8, abs=0.06)
    near = train + 0.05 * normal(800, 6, 3)
    assert preference(near, train, held_out, torch.Generator().manual_seed(0)).value == pytest.approx(5 / 8, abs=0.06)
