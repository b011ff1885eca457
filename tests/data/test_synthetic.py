from __future__ import annotations

import math

import pytest
import torch

from drift_cli.data import Synthetic, target_of
from drift_cli.data.checkerboard import Checkerboard
from drift_cli.data.gaussian_mixture import GaussianMixture, evenly_spaced, on_a_sphere
from drift_cli.data.manifold import Manifold
from drift_cli.data.moons import Moons
from drift_cli.data.pinwheel import Pinwheel
from drift_cli.data.rings import Rings
from drift_cli.data.swiss_roll import SwissRoll
from drift_cli.errors import UserError

TARGETS = {
    "checkerboard": Checkerboard(noise=0.05),
    "swiss_roll": SwissRoll(noise=0.03),
    "moons": Moons(noise=0.05),
    "rings": Rings(noise=0.03, radii=(0.25, 0.5, 0.75, 1.0)),
    "pinwheel": Pinwheel(arms=5, radial_std=0.2, tangential_std=0.06, twist=1.0),
    "gaussian_mixture": GaussianMixture.from_settings(modes=4, dimension=2, radius=1.0, std=0.25),
}
every_target = pytest.mark.parametrize("source", TARGETS.values(), ids=TARGETS)
DOUBLE = torch.float64


def draw(source: Synthetic, n: int, rng: torch.Generator) -> torch.Tensor:
    return target_of(source).sample(n, rng, DOUBLE).points


@every_target
def test_targets_are_about_unit_size(source: Synthetic, rng: torch.Generator) -> None:
    points = draw(source, 20_000, rng)
    rms = float((points - points.mean(0)).square().sum(1).mean().sqrt())
    assert 0.6 < rms < 1.2
    assert points.shape == (20_000, 2)
    assert points.dtype == DOUBLE


@every_target
def test_the_scale_does_not_depend_on_the_batch(source: Synthetic, rng: torch.Generator) -> None:
    """Many small batches and one large one have the same spread: nothing is divided by a batch's own extreme."""
    small = torch.cat([draw(source, 8, rng) for _ in range(2_500)])
    large = draw(source, 20_000, rng)
    assert float(small.std(0).norm()) == pytest.approx(float(large.std(0).norm()), rel=0.03)  # 4 standard errors


def test_the_checkerboard_fills_its_eight_tiles_alike_and_no_other(rng: torch.Generator) -> None:
    points = draw(Checkerboard(noise=0.0), 16_000, rng)
    tiles = ((points + 1) * 2).floor().long()
    counts = torch.bincount(4 * tiles[:, 0] + tiles[:, 1], minlength=16)
    column, row = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    filled = ((column + row) % 2 == 0).flatten()
    assert (counts[~filled] == 0).all()
    assert (counts[filled] - 2_000).abs().max() < 4.5 * math.sqrt(16_000 / 8 * 7 / 8)  # 4.5 deviations


def test_the_swiss_roll_lies_on_its_spiral(rng: torch.Generator) -> None:
    points = draw(SwissRoll(noise=0.0), 5_000, rng)
    t = points.norm(dim=1) * 4.5 * math.pi
    expected = torch.stack([t * t.cos(), t * t.sin()], 1) / (4.5 * math.pi)
    torch.testing.assert_close(points, expected, rtol=0, atol=1e-12)
    assert float(t.min()) >= math.pi / 2
    assert float(t.max()) <= 4.5 * math.pi + 1e-12


def test_mixture_weights_are_the_shares_of_the_modes(rng: torch.Generator) -> None:
    source = GaussianMixture.from_settings(
        modes=3, dimension=1, radius=10.0, std=0.1, weights=(1.0, 2.0, 5.0), means=None
    )
    points = draw(source, 8_000, rng).squeeze(1)
    shares = torch.tensor([(points < -5).double().mean(), (points.abs() < 5).double().mean()])
    torch.testing.assert_close(
        shares, torch.tensor([1 / 8, 2 / 8]).double(), rtol=0, atol=4.5 * math.sqrt(0.19 / 8_000)
    )


def test_modes_stand_evenly_and_means_can_be_given(rng: torch.Generator) -> None:
    circle = torch.tensor(evenly_spaced(6, 5, 2.0), dtype=DOUBLE)
    torch.testing.assert_close(circle.norm(dim=1), torch.full((6,), 2.0).double())
    torch.testing.assert_close(circle.sum(0), torch.zeros(5).double(), rtol=0, atol=1e-14)
    assert evenly_spaced(1, 1, 3.0) == ((0.0,),)
    source = GaussianMixture.from_settings(
        modes=2, dimension=3, radius=1.0, std=1e-9, means=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    )
    found = draw(source, 50, rng).round().unique(dim=0)
    torch.testing.assert_close(found, torch.tensor([[1.0, 2, 3], [4, 5, 6]], dtype=DOUBLE))


def test_rings_share_points_by_their_length(rng: torch.Generator) -> None:
    radius = draw(Rings(noise=0.0, radii=(0.5, 1.0)), 9_000, rng).norm(dim=1)
    assert float((radius > 0.75).double().mean()) == pytest.approx(2 / 3, abs=4.5 * math.sqrt(2 / 9 / 9_000))


def test_moons_are_a_point_reflection_of_each_other(rng: torch.Generator) -> None:
    points = draw(Moons(noise=0.0), 4_000, rng)
    assert float(points.mean(0).norm()) < 0.05
    upper = points * 1.5 + torch.tensor([0.5, 0.25])
    lower = -points * 1.5 + torch.tensor([0.5, 0.25])
    on_circle = ((upper.norm(dim=1) - 1).abs() < 1e-9) | ((lower.norm(dim=1) - 1).abs() < 1e-9)
    assert on_circle.all()


def mixture(placement: str, dimension: int, arrangement: int = 0) -> torch.Tensor:
    source = GaussianMixture.from_settings(
        modes=16, dimension=dimension, radius=2.0, std=0.1, placement=placement, subspace=4, arrangement=arrangement
    )
    return torch.tensor(source.means, dtype=DOUBLE)


@pytest.mark.parametrize("dimension", [8, 1024])
def test_random_means_lie_on_the_sphere_and_a_subspace_has_its_dimension(dimension: int) -> None:
    random, within = mixture("random", dimension), mixture("subspace", dimension)
    for means in (random, within):
        torch.testing.assert_close(means.norm(dim=1), torch.full((16,), 2.0).double())
    assert int(torch.linalg.matrix_rank(within)) == 4
    assert int(torch.linalg.matrix_rank(random)) == min(dimension, 16)
    torch.testing.assert_close(random, mixture("random", dimension), rtol=0, atol=0)
    assert not torch.allclose(random, mixture("random", dimension, arrangement=1))


def test_random_means_are_even_over_the_sphere() -> None:
    """The mean of x xᵀ is I radius²/d."""
    means = torch.tensor(on_a_sphere(8_000, 5, 1.0, 5, 0), dtype=DOUBLE)
    torch.testing.assert_close(means.T @ means / 8_000, torch.eye(5).double() / 5, rtol=0, atol=0.015)  # 5 deviations


def test_a_subspace_larger_than_the_space_is_refused() -> None:
    with pytest.raises(UserError, match=r"dataset\.subspace must be at most dataset.dimension"):
        GaussianMixture.check_settings(4, 2, None, None, placement="subspace", subspace=3)


@pytest.mark.parametrize(("surface", "intrinsic"), [("torus", 2), ("torus", 3), ("roll", 2), ("roll", 4)])
def test_a_manifold_has_its_dimension(surface: str, intrinsic: int, rng: torch.Generator) -> None:
    """The neighbours of a point lie in a plane of k dimensions up to their distance squared, and in no smaller one."""
    source = Manifold(surface, intrinsic, 64, noise=0.0, bend=0.25)
    points = draw(source, 20_000, rng)
    rms = float((points - points.mean(0)).square().sum(1).mean().sqrt())
    assert 0.5 < rms < 1.3
    shares = []
    for point in points[:20]:
        near = (points - point).norm(dim=1).topk(60, largest=False).indices
        spectrum = torch.linalg.svdvals(points[near] - points[near].mean(0)).square()
        shares.append((spectrum.cumsum(0) / spectrum.sum())[: intrinsic + 1])
    share = torch.stack(shares).median(dim=0).values
    assert share[intrinsic - 1] > 0.95
    assert share[intrinsic - 2] < 0.9 or intrinsic == 1


def test_noise_leaves_the_surface(rng: torch.Generator) -> None:
    """The control: with noise in every direction the neighbours fill more than the surface's dimensions."""
    points = draw(Manifold("torus", 2, 64, noise=0.3, bend=0.25), 4_000, rng)
    near = (points - points[0]).norm(dim=1).topk(60, largest=False).indices
    spectrum = torch.linalg.svdvals(points[near] - points[near].mean(0)).square()
    assert spectrum[:2].sum() / spectrum.sum() < 0.5


def test_a_manifold_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match=r"dataset\.dimension must be at least 6, which a torus"):
        Manifold.check_settings("torus", 3, 5)
