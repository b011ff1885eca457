r"""The mean error of the empirical drift at what a public digest reports of Figure 1.

$N = 50{,}000$ samples of a 4-mode Gaussian mixture, σ = 0.3. The digest leaves open where the modes lie, where the
drift is queried, whether the model is sampled as well as the target, and whether the error is that of the drift or of
the score $V/\sigma^2$; each is varied.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian
from drift_cli.studies.numbers import Measured, NextRun, Table, columns
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture
from drift_cli.theory.mixture import GaussianMixture

SAMPLES, BANDWIDTH = 50_000, 0.3
REPEATS = 8
MIXTURES = ((1.0, 0.2), (2.0, 0.2), (2.0, 0.3), (2.0, 0.5), (3.0, 0.5), (4.0, 0.5))  # radius, deviation
_GRID = 16  # queries along a side of the square; as many, squared, are drawn from target and model
_SIDES, _WHAT = ("target", "both"), {"drift": 1.0, "score": 1 / BANDWIDTH**2}


@dataclass(frozen=True)
class Figure1(Measured):
    """`reported.fig1.<setting>`: the mean ℓ₂ error over the queries, mean over repeats; what one repeat more gives."""

    reported: dict[str, NextRun]
    rows: list[tuple[float, float, str, str, float]]

    def tables(self) -> dict[str, Table]:
        names = ("radius", "deviation", "queries", "sampled", "error")
        return {"reported_figure_1": columns(names, self.rows)}


def figure_1(config: VerifyScoreConfig, generator: Generator) -> Figure1:
    """The error at every setting that the digest leaves open."""
    found, rows = {}, []
    for radius, deviation in dict.fromkeys([(config.radius, config.deviation), *MIXTURES]):
        p, q = mixture.ring(4, radius, deviation), mixture.normal(2)
        reach = radius + 2 * deviation
        for (region, side), each in measure(p, q, reach, SAMPLES, REPEATS, generator).items():
            for what, factor in _WHAT.items():
                key = f"radius_{radius:g}_std_{deviation:g}.at_{region}.{side}_sampled.{what}"
                found[f"fig1.{key}"] = NextRun([factor * error for error in each])
            rows.append((radius, deviation, region, side, sum(each) / len(each)))
    return Figure1(found, rows)


def queries(p: GaussianMixture, q: GaussianMixture, reach: float, generator: Generator) -> dict[str, Tensor]:
    """Where the drift may have been queried: at points of the target or of the model, or on a grid over the figure."""
    side = torch.linspace(-reach, reach, _GRID, dtype=torch.float64)
    count = _GRID**2
    return {
        "target": p.sample(count, generator),
        "model": q.sample(count, generator),
        "grid": torch.cartesian_prod(side, side),
    }


def measure(
    p: GaussianMixture, q: GaussianMixture, reach: float, samples: int, repeats: int, generator: Generator
) -> dict[tuple[str, str], list[float]]:
    r"""Mean over the queries of each region of $|\hat V - V|$, for every repeat; samples and queries are new each time.

    "target": $|\hat M_p - M_p|$, the model's mean shift exact; "both": $|\hat M_p - \hat M_q - V|$.
    """
    kernel = Gaussian(BANDWIDTH)
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        at = queries(p, q, reach, generator)
        x, sizes = torch.cat(list(at.values())), [len(points) for points in at.values()]
        off = [
            kernel_mean(kernel, x, of.sample(samples, generator)).shift - mixture.mean_shift(of, BANDWIDTH, x)
            for of in (p, q)
        ]
        for side, difference in zip(_SIDES, (off[0], off[0] - off[1]), strict=True):
            for region, each in zip(at, difference.norm(dim=1).split(sizes), strict=True):
                found.setdefault((region, side), []).append(float(each.mean()))
    return found
