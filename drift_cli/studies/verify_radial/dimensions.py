r"""Residual and direction of the drift over the dimension D (Lai et al.; the rates are ours).

In population, by quadrature, and from samples, at a Laplace kernel's temperature that is fixed, or grows as
$\sqrt D$ or as D, under a mismatch of the mean, of the scale, and of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Generator

from drift_cli.kernels import Laplace
from drift_cli.studies.numbers import Interval, Mean, Measured, Table, after, cells, slope
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory import radial
from drift_cli.theory.radial_quadrature import Pair, effective_fraction, population

TEMPERATURES = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}  # τ grows as D to this power
MISMATCHES = ("mean", "scale", "both")


@dataclass(frozen=True)
class Drift:
    """The drift under one mismatch at the query (0, √D) [temperature, dimension], in population.

    `low` and `high` are the 10 % and 90 % quantile of the cosine over queries drawn from q.
    """

    residual: np.ndarray
    cosine: np.ndarray
    preconditioned: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Sweep:
    """Population values [temperature, dimension] at the query (0, √D); the drift by mismatch."""

    dimensions: np.ndarray
    one_sided: np.ndarray
    effective: np.ndarray
    drifts: dict[str, Drift]


@dataclass(frozen=True)
class Population(Measured):
    """Slopes of log residual in log D by quantity and temperature, under the quantity's bare name the slowest of three.

    By dimension ("d2", …): the largest residuals over the temperatures, the cosines at the fixed temperature, and the
    least preconditioned one; the cosine with both mismatches at the last dimension also by temperature.
    """

    sweep: Sweep
    residual_slope: dict[str, Interval] = field(metadata=after("_"))
    residual_slope_one_sided_last_off: float  # of the last two dimensions from −1, the largest
    residual_one_sided: dict[str, float] = field(metadata=after("_"))
    residual_difference: dict[str, float] = field(metadata=after("_"))
    cosine_mean_mismatch: dict[str, float] = field(metadata=after("_"))
    cosine_scale_mismatch: dict[str, float] = field(metadata=after("_"))
    cosine_scale_alone: dict[str, float] = field(metadata=after("_"))
    cosine_preconditioned: dict[str, float] = field(metadata=after("_"))


@dataclass(frozen=True)
class MonteCarlo:
    """Estimates [temperature, dimension, repeat]; difference and cosine with both mismatches."""

    one_sided: np.ndarray
    difference: np.ndarray
    cosine: np.ndarray
    effective: np.ndarray


@dataclass(frozen=True)
class Sampled(Measured):
    """How far the estimates are from the population at the ends of the dimensions, at the fixed temperature.

    From `monte_carlo_limited_from_d` on, samples show more than twice the population's residual: mostly noise.
    """

    sweep: Sweep
    monte_carlo: MonteCarlo
    monte_carlo_residual_one_sided: dict[str, Mean] = field(metadata=after("_"))
    monte_carlo_over_population: dict[str, float] = field(metadata=after("_"))
    monte_carlo_cosine: dict[str, Mean] = field(metadata=after("_"))
    monte_carlo_effective: dict[str, float] = field(metadata=after("_"))
    monte_carlo_effective_predicted: dict[str, float] = field(metadata=after("_"))
    monte_carlo_limited_from_d: int | None

    def tables(self) -> dict[str, Table]:
        """A row for each temperature and dimension, of population and samples."""
        exact = self.sweep
        found = {"residual_one_sided": exact.one_sided, "effective_predicted": exact.effective}
        for name, drift in exact.drifts.items():
            found |= {
                f"residual_{name}": drift.residual,
                f"cosine_{name}": drift.cosine,
                f"cosine_{name}_low": drift.low,
                f"cosine_{name}_high": drift.high,
                f"preconditioned_cosine_{name}": drift.preconditioned,
            }
        for name, estimates in vars(self.monte_carlo).items():
            found |= {f"sampled_{name}": estimates.mean(axis=2), f"sampled_{name}_sd": estimates.std(axis=2, ddof=1)}
        return {"dimensions": cells({"temperature": list(TEMPERATURES), "dimension": exact.dimensions}, found)}


def kernels(config: VerifyRadialConfig, dimension: int) -> list[Laplace]:
    """Laplace kernels at the three temperatures."""
    return [Laplace(config.temperature * dimension**power) for power in TEMPERATURES.values()]


def pairs(config: VerifyRadialConfig) -> dict[str, Pair]:
    """p and q = N(0, I) under each mismatch."""
    offset, deviation = config.offset, config.deviation
    return dict(zip(MISMATCHES, (Pair(offset, 1.0), Pair(0.0, deviation), Pair(offset, deviation)), strict=True))


def population_values(config: VerifyRadialConfig, generator: Generator) -> Population:
    """Over the dimensions. Raises `TooCoarse` where the nodes do not suffice."""
    sweep = _integrated(config, generator)
    mean, scale, both = (sweep.drifts[name] for name in MISMATCHES)
    residuals = {
        "one_sided": sweep.one_sided,
        "difference_mean": mean.residual,
        "difference_scale": scale.residual,
        "difference": both.residual,
    }
    before, at = config.dimensions[-2:]
    last = np.log(sweep.one_sided[:, -1] / sweep.one_sided[:, -2]) / math.log(at / before)

    def by_dimension(values: np.ndarray) -> dict[str, float]:
        return {f"d{dimension}": value for dimension, value in zip(config.dimensions, values.tolist(), strict=True)}

    by_temperature = dict(zip((f"{growth}_d{at}" for growth in TEMPERATURES), both.cosine[:, -1], strict=True))
    return Population(
        sweep,
        {key: line for name, each in residuals.items() for key, line in _slopes(config, name, each).items()},
        float(np.abs(last + 1).max()),
        residual_one_sided=by_dimension(sweep.one_sided.max(axis=0)),
        residual_difference=by_dimension(both.residual.max(axis=0)),
        cosine_mean_mismatch=by_dimension(mean.cosine[0]),
        cosine_scale_mismatch=by_dimension(both.cosine[0]) | by_temperature,
        cosine_scale_alone=by_dimension(scale.cosine[0]),
        cosine_preconditioned=by_dimension(both.preconditioned.min(axis=0)),
    )


def _integrated(config: VerifyRadialConfig, generator: Generator) -> Sweep:
    exact, one_sided, effective = (config.nodes, config.tolerance), [], []
    drifts: dict[str, list[list[tuple[float, ...]]]] = {name: [] for name in MISMATCHES}
    for dimension in config.dimensions:
        used, distance = kernels(config, dimension), math.sqrt(dimension)
        queries = _queries(config.queries, dimension, generator)
        one_sided.append([population(kernel, dimension, distance, 1.0, *exact).relative_residual for kernel in used])
        effective.append([effective_fraction(kernel, dimension, distance, 1.0, config.nodes) for kernel in used])
        for name, pair in pairs(config).items():
            drifts[name].append([_drift(config, pair, kernel, dimension, queries) for kernel in used])
    return Sweep(
        np.array(config.dimensions),
        np.array(one_sided).T,
        config.samples * np.array(effective).T,
        {name: Drift(*np.array(each).T) for name, each in drifts.items()},
    )


def _drift(
    config: VerifyRadialConfig, pair: Pair, kernel: Laplace, dimension: int, queries: list[tuple[float, float]]
) -> tuple[float, ...]:
    """The values of `Drift` at one temperature in one dimension."""
    typical = pair.compare(kernel, dimension, (0.0, math.sqrt(dimension)), config.nodes, config.tolerance)
    cosines = [pair.compare(kernel, dimension, query, config.nodes).cosine for query in queries]
    low, high = np.quantile(cosines, [0.1, 0.9])
    return typical.relative_residual, typical.cosine, typical.preconditioned_cosine, low, high


def _queries(count: int, dimension: int, generator: Generator) -> list[tuple[float, float]]:
    """Draws from N(0, I) by their coordinates along one direction and at right angles to it."""
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    return list(zip(points[:, 0].tolist(), points[:, 1:].norm(dim=1).tolist(), strict=True))


def _slopes(config: VerifyRadialConfig, name: str, residual: np.ndarray) -> dict[str, Interval]:
    dimensions, found = np.array(config.dimensions, dtype=float), {}
    used = dimensions >= config.fit_from
    for growth, row in zip(TEMPERATURES, residual, strict=True):
        found[f"{name}_{growth}"] = slope(np.log(dimensions[used]), np.log(row[used]))
    return {name: max(found.values(), key=lambda line: line.value)} | found


def monte_carlo(config: VerifyRadialConfig, exact: Sweep, generator: Generator) -> Sampled:
    """The same values from samples, and how far they are from the population."""
    found = _sampled(config, generator)
    ratios = found.one_sided[0].mean(axis=1) / exact.one_sided[0]
    limited = [dimension for dimension, ratio in zip(config.dimensions, ratios, strict=True) if ratio > 2]
    ends = {f"d{config.dimensions[k]}": k for k in (0, -1)}
    return Sampled(
        exact,
        found,
        {d: Mean(found.one_sided[0, k]) for d, k in ends.items()},
        {d: ratios[k] for d, k in ends.items()},
        {d: Mean(found.cosine[0, k]) for d, k in ends.items()},
        {d: found.effective[0, k].mean() for d, k in ends.items()},
        {d: exact.effective[0, k] for d, k in ends.items()},
        limited[0] if limited else None,
    )


def _sampled(config: VerifyRadialConfig, generator: Generator) -> MonteCarlo:
    """The same from samples of p and q, repeatedly; the drift's cosine is with the population's score difference."""
    shape = (len(TEMPERATURES), len(config.dimensions), config.repeats)
    one_sided, difference, cosine, effective = (np.empty(shape) for _ in range(4))
    pair = pairs(config)["both"]
    for k, dimension in enumerate(config.dimensions):
        query = torch.zeros(1, dimension, dtype=torch.float64)
        query[0, 1] = math.sqrt(dimension)  # the first axis is that of the offset
        used = kernels(config, dimension)
        scores = [pair.compare(each, dimension, (0.0, math.sqrt(dimension)), config.nodes) for each in used]
        for repeat in range(config.repeats):
            q, p = (torch.randn(config.samples, dimension, generator=generator, dtype=torch.float64) for _ in range(2))
            p *= pair.deviation
            p[:, 0] += pair.offset
            for t, kernel in enumerate(used):
                from_q, from_p = radial.decompose(kernel, query, q), radial.decompose(kernel, query, p)
                drift, residual = from_p.shift - from_q.shift, from_p.covariance - from_q.covariance
                at = (t, k, repeat)
                one_sided[at] = from_q.covariance.norm() / from_q.shift.norm()
                difference[at] = residual.norm() / drift.norm()
                along = drift[0, :2].numpy() @ scores[t].score_difference
                cosine[at] = along / (drift.norm() * np.linalg.norm(scores[t].score_difference))
                effective[at] = from_q.effective
    return MonteCarlo(one_sided, difference, cosine, effective)
