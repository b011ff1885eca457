"""Measures of a run's points besides the sliced distance, which misses much in many dimensions."""

from __future__ import annotations

from drift_cli.data import Endless
from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.metrics.energy_distance import energy_distance
from drift_cli.metrics.modes import total_variation, within_modes
from drift_cli.training.evaluation import comparable_points, generate
from drift_cli.training.setup import Setup

_MOST = 2000  # points


def measured(setup: Setup) -> dict[str, float | None]:
    """The energy distance; of a Gaussian mixture the error of the mode shares and how the samples lie on the modes.

    Each comes with its floor, from a second sample of the target of the same size.
    """
    n, draws = comparable_points(setup, _MOST), setup.stream("final", 4_000_000)
    truth, other = setup.target.sample(2 * n, draws, setup.dtype).points.split(n)[:2]
    samples = generate(setup, n, draws)
    numbers: dict[str, float | None] = {
        "energy": energy_distance(samples, other),
        "energy_floor": energy_distance(truth, other),
    }
    source = setup.target.source if isinstance(setup.target, Endless) else None
    if isinstance(source, GaussianMixture):
        for end, x in (("", samples), ("_floor", truth)):
            within = within_modes(x, source)
            numbers |= {
                f"mode_error{end}": total_variation(x, source),
                f"mode_variance{end}": within.variance if within else None,
                f"mode_covariance_error{end}": within.covariance_error if within else None,
            }
    return numbers
