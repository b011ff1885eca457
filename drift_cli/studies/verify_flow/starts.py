"""The targets, the measures that start towards them, and the drift that carries them."""

from __future__ import annotations

import torch
from torch import Tensor

from drift_cli.studies.verify_flow.settings import VerifyFlowConfig
from drift_cli.theory.descent import two_modes
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import Field, drift_velocity

STARTS = ("normal", "uniform", "two_atoms")


def target(config: VerifyFlowConfig) -> GaussianMixture:
    """A mixture on a line."""
    weights, means, deviations = (
        torch.tensor(each, dtype=torch.float64) for each in (config.weights, config.means, config.deviations)
    )
    return GaussianMixture(weights, means[:, None], deviations.square())


def rare_target(config: VerifyFlowConfig) -> GaussianMixture:
    """A common and a rare mode, of the counterexample."""
    return two_modes(config.rare_weight, config.rare_distance, config.rare_deviation)


def mean_and_spread(p: GaussianMixture) -> tuple[float, float]:
    """Mean and standard deviation on a line."""
    mean = p.weights @ p.means[:, 0]
    return float(mean), float((p.weights @ (p.variances + (p.means[:, 0] - mean).square())).sqrt())


def single_mode(p: GaussianMixture) -> GaussianMixture:
    """A single mode of the mean and spread of p."""
    (mean, spread), one = mean_and_spread(p), torch.ones(1, dtype=torch.float64)
    return GaussianMixture(one, mean * one[:, None], spread**2 * one)


def quantiles(start: str, p: GaussianMixture, count: int) -> Tensor:
    """Of a start, at the midpoints of equal shares: a normal off the target, a uniform, two atoms within the target."""
    share = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    mean, spread = mean_and_spread(p)
    if start == "normal":
        return mean + spread * (1 + 0.5 * torch.special.ndtri(share))
    if start == "uniform":
        return mean + spread * (4 * share - 2.5)
    return mean + spread * (1.1 * (share > 0.5).double() - 0.5)


def drift_of(p: GaussianMixture, bandwidth: float) -> Field:
    """u = V/σ² of particles, at themselves."""
    return lambda x: drift_velocity(p, bandwidth, x, x)
