r"""The drift of N samples against the exact one (Figure 1, App. I.1).

$|\hat V - V|$ over N at every bandwidth, with the exponent, and relative to $|V|$, which itself falls as $\sigma^2$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Generator, Tensor

from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian
from drift_cli.studies.numbers import Interval, Measured, Table, cells
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture, self_normalised
from drift_cli.theory.mixture import GaussianMixture

_GRID = 25  # arrows along a side of the field


@dataclass(frozen=True)
class MonteCarlo:
    """Mean errors [bandwidth, N, repeat] of the empirical drift, the drift's own mean size and effective samples."""

    bandwidths: list[float]
    samples: list[int]
    errors: np.ndarray
    size: np.ndarray
    effective: np.ndarray

    @property
    def relative(self) -> np.ndarray:
        """The mean error over the drift's own size [bandwidth, N]."""
        return self.errors.mean(axis=2) / self.size[:, None]


@dataclass(frozen=True)
class Errors(Measured):
    """The error against N with its exponent in N, and for each bandwidth the error at the most samples."""

    monte_carlo: MonteCarlo
    monte_carlo_exponent: Interval
    relative_error: dict[str, float]
    absolute_error: dict[str, float]
    largest_relative_error: float

    def tables(self) -> dict[str, Table]:
        found = self.monte_carlo
        errors = {"error": found.errors.mean(axis=2), "sd": found.errors.std(axis=2, ddof=1)}
        found_at = errors | {"relative_error": found.relative, "effective_samples": found.effective}
        return {"monte_carlo": cells({"bandwidth": found.bandwidths, "samples": found.samples}, found_at)}


@dataclass(frozen=True)
class Fields:
    """Drifts on a square grid [g·g, 2], from samples and exact, and the densities' outlines for the plot."""

    bandwidth: float
    samples: int
    points: np.ndarray
    empirical: np.ndarray
    exact: np.ndarray
    target: np.ndarray


def errors(config: VerifyScoreConfig, p: GaussianMixture, q: GaussianMixture, generator: Generator) -> Errors:
    """The error against N, and its exponent."""
    found = measure_errors(config, p, q, generator)
    last, absolute = found.relative[:, -1], found.errors.mean(axis=2)[:, -1]
    names = [f"{bandwidth:g}" for bandwidth in found.bandwidths]
    return Errors(
        found,
        fitted_exponent(found),
        dict(zip(names, last.tolist(), strict=True)),
        dict(zip(names, absolute.tolist(), strict=True)),
        float(last.max()),
    )


def measure_errors(
    config: VerifyScoreConfig, p: GaussianMixture, q: GaussianMixture, generator: Generator
) -> MonteCarlo:
    """|V̂ − V| averaged over the queries, for every bandwidth, N and independent repeat."""
    bandwidths, samples = list(config.bandwidths), sorted(set(config.samples))
    x = q.sample(config.queries, generator)
    exact = [mixture.drift(p, q, bandwidth, x) for bandwidth in bandwidths]
    errors = np.empty((len(bandwidths), len(samples), config.repeats))
    for n, count in enumerate(samples):
        for repeat in range(config.repeats):
            data, model = p.sample(count, generator), q.sample(count, generator)
            for b, bandwidth in enumerate(bandwidths):
                found = MeanShift("include")(Gaussian(bandwidth), x, data, model, paired=False)
                errors[b, n, repeat] = float((found - exact[b]).norm(dim=1).mean())
    size = np.array([float(v.norm(dim=1).mean()) for v in exact])
    effective = [[_median_effective(p, bandwidth, x, count) for count in samples] for bandwidth in bandwidths]
    return MonteCarlo(bandwidths, samples, errors, size, np.array(effective))


def _median_effective(p: GaussianMixture, bandwidth: float, x: Tensor, samples: int) -> float:
    return float(self_normalised.predict(p, bandwidth, x, samples).effective.median())


def fitted_exponent(found: MonteCarlo) -> Interval:
    """One slope for all bandwidths, each with its own level; repeats are independent, so they give the interval."""
    log_n = np.log(found.samples) - np.log(found.samples).mean()
    levels = np.log(found.errors) - np.log(found.errors).mean(axis=1, keepdims=True)
    slopes = (levels * log_n[None, :, None]).sum(axis=1).mean(axis=0) / (log_n**2).sum()
    half = float(stats.t.ppf(0.975, len(slopes) - 1) * stats.sem(slopes))
    return Interval(float(slopes.mean()), float(slopes.mean()) - half, float(slopes.mean()) + half)


def fields(config: VerifyScoreConfig, p: GaussianMixture, q: GaussianMixture, generator: Generator) -> Fields:
    """The fields of Figure 1."""
    reach = config.radius + 2 * config.deviation
    side = torch.linspace(-reach, reach, _GRID, dtype=torch.float64)
    points = torch.cartesian_prod(side, side)
    bandwidth, count = config.field_bandwidth, config.field_samples
    data, model = p.sample(count, generator), q.sample(count, generator)
    empirical = MeanShift("include")(Gaussian(bandwidth), points, data, model, paired=False)
    exact = mixture.drift(p, q, bandwidth, points)
    return Fields(bandwidth, count, points.numpy(), empirical.numpy(), exact.numpy(), data[:400].numpy())
