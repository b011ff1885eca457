r"""The self-normalised estimator of one mean shift (App. I.1; its prediction is ours).

Its bias and variance against their expansion in 1/N, what counting the query itself does, and the tails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian
from drift_cli.studies.numbers import Measured, Table, cells
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture, self_normalised
from drift_cli.theory.mixture import GaussianMixture

_ESTIMATES, _SAMPLES, _BANDWIDTH = 20_000, 100, 0.3  # of bias and variance
_MEANT = 5.0  # effective samples from which the expansion in 1/N is meant to hold
_TAIL_SAMPLES, _TAIL_REPEATS = 2000, 20


@dataclass(frozen=True)
class Expansion(Measured):
    """How far bias and variance are from their expansion in 1/N, and what counting the query does to the error."""

    estimator: Estimator
    bias_prediction_error: float
    variance_prediction_error: float
    included_over_excluded_rms: float

    def tables(self) -> dict[str, Table]:
        return {"estimator": vars(self.estimator)}


@dataclass(frozen=True)
class Estimator:
    """The estimator against its prediction at queries of |x| = `x`: self term excluded and included."""

    x: np.ndarray
    effective: np.ndarray
    bias: np.ndarray
    bias_error: np.ndarray  # its standard error
    predicted_bias: np.ndarray
    variance: np.ndarray
    predicted_variance: np.ndarray
    included_bias: np.ndarray
    rms: np.ndarray
    included_rms: np.ndarray


@dataclass(frozen=True)
class Tails(Measured):
    """Relative error of one mean shift against the query's radius, per bandwidth, mean and sd over repeats."""

    tail_relative_error: float  # the largest
    radii: np.ndarray
    bandwidths: list[float]
    error: np.ndarray
    spread: np.ndarray
    effective: np.ndarray

    def tables(self) -> dict[str, Table]:
        found = {"relative_error": self.error, "sd": self.spread, "effective_samples": self.effective}
        return {"tails": cells({"bandwidth": self.bandwidths, "radius": self.radii}, found)}


def expansion(q: GaussianMixture, generator: Generator) -> Expansion:
    """Bias and variance against their prediction, where the expansion is meant to hold."""
    found = measure_estimator(q, generator)
    meant = found.effective >= _MEANT
    pull = np.abs(found.bias - found.predicted_bias)[meant]
    scale = np.abs(found.predicted_bias)[meant].max()
    return Expansion(
        found,
        float(pull.max() / scale),
        float(np.abs(found.variance / found.predicted_variance - 1)[meant].max()),
        float((found.included_rms / found.rms).max()),
    )


def measure_estimator(q: GaussianMixture, generator: Generator) -> Estimator:
    """Bias and variance of M̂_q in one dimension over many sets of N samples; the query counting itself, or not."""
    at = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], dtype=torch.float64)[:, None]
    exact = mixture.mean_shift(q, _BANDWIDTH, at)[:, 0]
    prediction = self_normalised.predict(q, _BANDWIDTH, at, _SAMPLES)
    y = q.sample(_ESTIMATES * _SAMPLES, generator)[:, 0].reshape(_ESTIMATES, _SAMPLES)
    kernel = Gaussian(_BANDWIDTH)
    without, within = [], []
    for x in at[:, 0]:
        logs = kernel.log_profile((y - x).abs())
        mean = (torch.softmax(logs, dim=1) * (y - x)).sum(dim=1)
        own = torch.sigmoid(-torch.logsumexp(logs, dim=1))  # k(0)/(k(0) + Σk), the query's own share
        without.append(mean)
        within.append((1 - own) * mean)
    excluded, included = torch.stack(without), torch.stack(within)
    errors = [(each - exact[:, None]).square().mean(dim=1).sqrt().numpy() for each in (excluded, included)]
    return Estimator(
        at[:, 0].numpy(), prediction.effective.numpy(),
        (excluded.mean(dim=1) - exact).numpy(), (excluded.std(dim=1) / math.sqrt(_ESTIMATES)).numpy(),
        prediction.bias[:, 0].numpy(), excluded.var(dim=1).numpy(), prediction.variance.numpy(),
        (included.mean(dim=1) - exact).numpy(), *errors,
    )  # fmt: skip


def tails(config: VerifyScoreConfig, q: GaussianMixture, generator: Generator) -> Tails:
    """|M̂ − M|/|M| of one mean shift at N = 2,000 samples of N(0, I), by the radius of the query."""
    radii = torch.linspace(0.5, 4, 8, dtype=torch.float64)
    angles = 2 * math.pi * torch.arange(16, dtype=torch.float64) / 16
    x = (radii[:, None, None] * torch.stack([angles.cos(), angles.sin()], dim=1)).reshape(-1, 2)
    errors, effective = [], []
    sets = [q.sample(_TAIL_SAMPLES, generator) for _ in range(_TAIL_REPEATS)]
    for bandwidth in config.bandwidths:
        exact = mixture.mean_shift(q, bandwidth, x)
        found = [(kernel_mean(Gaussian(bandwidth), x, y).shift - exact).norm(dim=1) / exact.norm(dim=1) for y in sets]
        errors.append(torch.stack(found).reshape(_TAIL_REPEATS, len(radii), -1).mean(dim=2))
        predicted = self_normalised.predict(q, bandwidth, x, _TAIL_SAMPLES).effective
        effective.append(predicted.reshape(len(radii), -1).mean(dim=1))
    each = torch.stack(errors)
    mean, spread = each.mean(dim=1).numpy(), each.std(dim=1).numpy()
    return Tails(
        float(mean.max()), radii.numpy(), list(config.bandwidths), mean, spread, torch.stack(effective).numpy()
    )
