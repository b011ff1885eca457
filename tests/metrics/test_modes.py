from __future__ import annotations

import pytest
import torch

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.metrics.modes import mode_radius, recovered, total_variation, within_modes

MIXTURE = GaussianMixture(((0.2, 0.2), (0.8, 0.2), (0.5, 0.8)), (5.0, 3.0, 2.0), 0.05)  # weights 0.5, 0.3, 0.2


def on_modes(counts: tuple[int, ...]) -> torch.Tensor:
    return torch.tensor(MIXTURE.means).repeat_interleave(torch.tensor(counts), dim=0)


@pytest.mark.parametrize(
    ("counts", "error"),
    [((50, 30, 20), 0.0), ((100, 0, 0), 0.5), ((0, 0, 100), 0.8), ((62, 38, 0), 0.2)],
)
def test_the_error_is_the_mass_on_the_wrong_modes(counts: tuple[int, ...], error: float) -> None:
    assert total_variation(on_modes(counts), MIXTURE) == pytest.approx(error, abs=1e-12)


def test_samples_on_no_mode_count_as_wrong() -> None:
    astray = torch.full((100, 2), 0.5)
    assert total_variation(astray, MIXTURE) == pytest.approx(1)
    half = torch.cat([on_modes((50, 30, 20)), astray])
    assert total_variation(half, MIXTURE) == pytest.approx(0.5)
    assert float(recovered(half, MIXTURE).sum()) == pytest.approx(0.5)


def test_of_the_target_itself_it_falls_as_one_over_the_root_of_the_number() -> None:
    """E|ŵ − w| = sqrt(2 w(1 − w)/(π n)) per mode, to 10 % over 200 samples of 1000, and 3e-4 beyond four deviations."""
    generator = torch.Generator().manual_seed(0)
    errors = [total_variation(MIXTURE.draw(1000, generator, torch.float64), MIXTURE) for _ in range(200)]
    weights = torch.tensor([0.5, 0.3, 0.2])
    expected = float((2 * weights * (1 - weights) / (torch.pi * 1000)).sqrt().sum()) / 2
    assert sum(errors) / 200 == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("dimension", [1, 3, 32, 256])
def test_in_every_dimension_nearly_all_of_the_target_is_on_its_modes(dimension: int) -> None:
    """Four standard deviations would leave out all of it from d = 32 on; a cloud three times as wide is out there."""
    mixture = GaussianMixture.from_settings(4, dimension, 40.0, 0.5)
    x = mixture.draw(4000, torch.Generator().manual_seed(0), torch.float64)
    assert float(recovered(x, mixture).sum()) == pytest.approx(1, abs=2e-3)  # e⁻⁸ · 4000 is 1.3 samples
    assert total_variation(x, mixture) < 0.04
    if dimension >= 32:
        centres = torch.tensor(mixture.means, dtype=torch.float64)
        wide = centres[torch.cdist(x, centres).argmin(dim=1)]
        assert total_variation(wide + 3 * (x - wide), mixture) == pytest.approx(1, abs=0.01)


def test_the_plane_keeps_its_four_deviations() -> None:
    assert mode_radius(2) == 4.0
    assert mode_radius(1) < 4.0 < mode_radius(3)


def test_contracted_modes_are_seen_within_them() -> None:
    """8,000 samples on 4 modes in 8 dimensions: the error at the truth is √(9/2000) = .067, at half the width .75."""
    mixture = GaussianMixture.from_settings(4, 8, 40.0, 0.5)
    x = mixture.draw(8000, torch.Generator().manual_seed(0), torch.float64)
    centres = torch.tensor(mixture.means, dtype=torch.float64)
    middle = centres[torch.cdist(x, centres).argmin(dim=1)]
    truth, half = within_modes(x, mixture), within_modes(middle + (x - middle) / 2, mixture)
    assert truth is not None
    assert half is not None
    assert truth.variance == pytest.approx(1, abs=0.02)
    assert truth.covariance_error == pytest.approx(0.067, rel=0.2)  # 4 of 36 entries each: ± 6 %
    assert half.variance == pytest.approx(0.25, abs=0.01)
    assert half.covariance_error == pytest.approx(0.75, abs=0.02)
    assert within_modes(torch.full((10, 8), 99.0), mixture) is None
