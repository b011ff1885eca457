from __future__ import annotations

import pytest
import torch

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.metrics.modes import recovered, total_variation

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
