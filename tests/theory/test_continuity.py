from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch import Tensor

from drift_cli.theory import continuity
from drift_cli.theory.mixture import GaussianMixture, normal
from drift_cli.theory.smoothed_kl import smoothed_kl


def target() -> GaussianMixture:
    weights, means, variances = torch.tensor([[0.6, 0.4], [-1.0, 1.5], [0.25, 0.16]], dtype=torch.float64)
    return GaussianMixture(weights, means[:, None], variances)


def test_the_energy_of_a_density_is_closed_for_normals() -> None:
    """KL(N(0, 1 + σ²) ‖ N(0, 4 + σ²)); points at its quantiles have nearly that, more of them more nearly."""
    energy = smoothed_kl(normal(1, 2.0), 0.5, torch.tensor([[-9.0], [9.0]], dtype=torch.float64), 12)
    narrow, wide = 1.25, 4.25
    assert float(energy.of_density(normal(1))) == pytest.approx((np.log(wide / narrow) + narrow / wide - 1) / 2)
    few, more = (
        abs(continuity.energy_excess(normal(1, 2.0), normal(1), 0.5, continuity.normal_points(normal(1), n), 12))
        for n in (50, 200)
    )
    assert more < few / 2 < 0.01


def test_the_excess_stays_where_a_point_escapes_and_where_nothing_is_smoothed() -> None:
    q = normal(1)
    for n in (50, 200):
        x = continuity.normal_points(q, n)
        far = torch.cat([x[:-1], torch.tensor([n**0.5], dtype=torch.float64)])
        assert continuity.energy_excess(target(), q, 0.5, far, 12) > 0.5
    x = continuity.normal_points(q, 8)
    wide, narrow = (continuity.energy_excess(target(), q, sigma, x, 12) for sigma in (0.01, 0.005))
    assert narrow - wide == pytest.approx(np.log(2), rel=0.01)  # the rest, of p_σ and q_σ, is of order σ²


def test_the_first_variation_is_an_integral_and_has_the_velocity_as_its_slope() -> None:
    x, at = torch.tensor([[-0.5], [0.8]], dtype=torch.float64), torch.tensor([[0.3]], dtype=torch.float64)
    energy = smoothed_kl(target(), 0.5, x, 16)
    particles = GaussianMixture(torch.full((2,), 0.5, dtype=torch.float64), x, torch.full((2,), 0.25).double())

    def integrand(z: float) -> float:
        point = torch.tensor([[z]], dtype=torch.float64)
        ratio = particles.log_density(point) - target().smoothed(0.5).log_density(point)
        return float(normal(1, 0.5).log_density(point - at).exp() * ratio)

    assert float(energy.first_variation(x, at)) == pytest.approx(quad(integrand, -6, 6)[0], abs=1e-8)
    where = x.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(energy.first_variation(x, where).sum(), where)
    torch.testing.assert_close(-slope, energy.velocity(x), rtol=0, atol=1e-11)


def points(count: int) -> Tensor:
    return 4 * continuity.shares(count) - 2


def test_the_velocity_is_lipschitz_in_the_measure() -> None:
    x, at = points(20), torch.linspace(-2, 2, 9, dtype=torch.float64)
    for way in continuity.directions(x).values():
        assert float(way.abs().max()) == pytest.approx(1, abs=0.06)
        change, distance = continuity.velocity_changes(target(), 0.5, x, [x + 1e-3 * way, x + 2e-3 * way], at, 8)
        assert distance[1] == pytest.approx(2 * distance[0])
        assert change[1] == pytest.approx(2 * change[0], rel=0.02)  # next term: of relative order 1e-3 over σ


def test_far_away_the_last_point_alone_decides() -> None:
    """There v − v' is its displacement over σ², while W₂ is the displacement over √n."""
    for count in (10, 40):
        x, far = points(count), torch.tensor([60.0], dtype=torch.float64)
        moved = x + 1e-3 * continuity.directions(x)["last"]
        change, distance = continuity.velocity_changes(target(), 0.5, x, [moved], far, 8)
        assert change[0] / distance[0] == pytest.approx(count**0.5 / 0.25, rel=0.01)
