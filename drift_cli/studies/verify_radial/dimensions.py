r"""Of `drift verify-radial`: residual and direction of the drift over the dimension D (Lai et al.; the rates are ours).

In population, by quadrature, and from samples, at a Laplace kernel's temperature that is fixed, or grows as
$\sqrt D$ or as D, under a mismatch of the mean, of the scale, and of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator

from drift_cli.kernels import Laplace
from drift_cli.studies.study import Curves, Study
from drift_cli.studies.verify_radial.settings import VerifyRadialConfig
from drift_cli.theory import radial
from drift_cli.theory.fits import Fit, fit
from drift_cli.theory.radial_quadrature import Comparison, Pair, effective_fraction, population

TEMPERATURES = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}  # τ grows as D to this power
MISMATCHES = ("mean", "scale", "both")


@dataclass(frozen=True)
class Sweep:
    """Population values [temperature, dimension]; those of the drift under each mismatch.

    `spread` is the 10 % and 90 % quantile of the cosine over queries drawn from q [temperature, dimension, 2].
    """

    one_sided: np.ndarray
    difference: dict[str, np.ndarray]
    cosine: dict[str, np.ndarray]
    preconditioned: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    effective: np.ndarray


@dataclass(frozen=True)
class MonteCarlo:
    """Estimates [temperature, dimension, repeat]; difference and cosine with both mismatches."""

    one_sided: np.ndarray
    difference: np.ndarray
    cosine: np.ndarray
    effective: np.ndarray


def kernels(config: VerifyRadialConfig, dimension: int) -> list[Laplace]:
    """Laplace kernels at the three temperatures."""
    return [Laplace(config.temperature * dimension**power) for power in TEMPERATURES.values()]


def pairs(config: VerifyRadialConfig) -> dict[str, Pair]:
    """p and q = N(0, I) under each mismatch."""
    offset, deviation = config.offset, config.deviation
    return dict(zip(MISMATCHES, (Pair(offset, 1.0), Pair(0.0, deviation), Pair(offset, deviation)), strict=True))


def sweep(s: Study, config: VerifyRadialConfig, generator: Generator) -> Sweep:
    """Population values over the dimensions, and their slopes. Raises `TooCoarse` where the nodes do not suffice."""
    found = _integrated(config, generator)
    _summarise_sweep(s, config, found)
    return found


def _integrated(config: VerifyRadialConfig, generator: Generator) -> Sweep:
    """Population values at the query (0, √D), and the cosine's spread over queries drawn from q."""
    mismatched, exact = pairs(config), (config.nodes, config.tolerance)
    one_sided, effective = [], []
    typical: dict[str, list[list[Comparison]]] = {name: [] for name in MISMATCHES}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in MISMATCHES}
    for dimension in config.dimensions:
        used, distance = kernels(config, dimension), math.sqrt(dimension)
        queries = _queries(config.queries, dimension, generator)
        one_sided.append([population(kernel, dimension, distance, 1.0, *exact).relative_residual for kernel in used])
        effective.append([effective_fraction(kernel, dimension, distance, 1.0, config.nodes) for kernel in used])
        for name, pair in mismatched.items():
            typical[name].append([pair.compare(kernel, dimension, (0.0, distance), *exact) for kernel in used])
            cosines = [[pair.compare(k, dimension, query, config.nodes).cosine for query in queries] for k in used]
            drawn[name].append(np.quantile(cosines, [0.1, 0.9], axis=1).T)

    def table(name: str, value: str) -> np.ndarray:
        return np.array([[getattr(each, value) for each in row] for row in typical[name]]).T

    return Sweep(
        one_sided=np.array(one_sided).T,
        difference={name: table(name, "relative_residual") for name in MISMATCHES},
        cosine={name: table(name, "cosine") for name in MISMATCHES},
        preconditioned={name: table(name, "preconditioned_cosine") for name in MISMATCHES},
        spread={name: np.array(drawn[name]).transpose(1, 0, 2) for name in MISMATCHES},
        effective=config.samples * np.array(effective).T,
    )


def _queries(count: int, dimension: int, generator: Generator) -> list[tuple[float, float]]:
    """Draws from N(0, I) by their coordinates along one direction and at right angles to it."""
    points = torch.randn(count, dimension, generator=generator, dtype=torch.float64)
    return list(zip(points[:, 0].tolist(), points[:, 1:].norm(dim=1).tolist(), strict=True))


def _summarise_sweep(s: Study, config: VerifyRadialConfig, found: Sweep) -> None:
    """Slopes of log residual in log D: at each temperature, and the slowest of the three under the bare name."""
    for name, residual in {"one_sided": found.one_sided, **_named("difference", found.difference)}.items():
        fits = {growth: _slope(config, row) for growth, row in zip(TEMPERATURES, residual, strict=True)}
        _record(s, f"residual_slope_{name}", max(fits.values(), key=lambda line: line.slope))
        for growth, line in fits.items():
            _record(s, f"residual_slope_{name}_{growth}", line)
    last = np.log(found.one_sided[:, -1] / found.one_sided[:, -2]) / math.log(
        config.dimensions[-1] / config.dimensions[-2]
    )
    s.summary["residual_slope_one_sided_last_off"] = float(np.abs(last + 1).max())
    for k, dimension in enumerate(config.dimensions):
        s.summary[f"residual_one_sided_d{dimension}"] = float(found.one_sided[:, k].max())
        s.summary[f"residual_difference_d{dimension}"] = float(found.difference["both"][:, k].max())
        s.summary[f"cosine_mean_mismatch_d{dimension}"] = float(found.cosine["mean"][0, k])
        s.summary[f"cosine_scale_mismatch_d{dimension}"] = float(found.cosine["both"][0, k])
        s.summary[f"cosine_scale_alone_d{dimension}"] = float(found.cosine["scale"][0, k])
        s.summary[f"cosine_preconditioned_d{dimension}"] = float(found.preconditioned["both"][:, k].min())
    for t, growth in enumerate(TEMPERATURES):
        s.summary[f"cosine_scale_mismatch_{growth}_d{config.dimensions[-1]}"] = float(found.cosine["both"][t, -1])


def _named(what: str, by_mismatch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {what if name == "both" else f"{what}_{name}": table for name, table in by_mismatch.items()}


def _slope(config: VerifyRadialConfig, residual: np.ndarray) -> Fit:
    dimensions = np.array(config.dimensions, dtype=float)
    used = dimensions >= config.fit_from
    return fit(np.log(dimensions[used]), np.log(residual[used]))


def _record(s: Study, key: str, found: Fit) -> None:
    s.interval(key, found.slope, found.low, found.high)


def monte_carlo(s: Study, config: VerifyRadialConfig, exact: Sweep, generator: Generator) -> MonteCarlo:
    """The same values from samples, and how far they are from the population."""
    found = _sampled(config, generator)
    _summarise_monte_carlo(s, config, exact, found)
    return found


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


def _summarise_monte_carlo(s: Study, config: VerifyRadialConfig, exact: Sweep, found: MonteCarlo) -> None:
    """How far the estimates are from the population, at the ends of the dimensions and the fixed temperature."""
    for k in (0, -1):
        d = config.dimensions[k]
        s.summary |= {
            f"monte_carlo_residual_one_sided_d{d}": found.one_sided[0, k].mean(),
            f"monte_carlo_residual_one_sided_d{d}.sd": found.one_sided[0, k].std(ddof=1),
            f"monte_carlo_over_population_d{d}": found.one_sided[0, k].mean() / exact.one_sided[0, k],
            f"monte_carlo_cosine_d{d}": found.cosine[0, k].mean(),
            f"monte_carlo_cosine_d{d}.sd": found.cosine[0, k].std(ddof=1),
            f"monte_carlo_effective_d{d}": found.effective[0, k].mean(),
            f"monte_carlo_effective_predicted_d{d}": exact.effective[0, k],
        }
    ratios = found.one_sided[0].mean(axis=1) / exact.one_sided[0]
    limited = [d for d, ratio in zip(config.dimensions, ratios, strict=True) if ratio > 2]
    if limited:  # from here on the residual that samples show is mostly noise
        s.summary["monte_carlo_limited_from_d"] = limited[0]


def columns(s: Study, config: VerifyRadialConfig, exact: Sweep, sampled: MonteCarlo) -> Curves:
    """All of it, a row for each temperature and dimension."""
    rows = [
        {"temperature": growth, "dimension": dimension} | _row(exact, sampled, t, k)
        for t, growth in enumerate(TEMPERATURES)
        for k, dimension in enumerate(config.dimensions)
    ]
    by_dimension: Curves = {key: [row[key] for row in rows] for key in rows[0]}
    s.curves("dimensions", by_dimension)
    return by_dimension


def _row(exact: Sweep, sampled: MonteCarlo, t: int, k: int) -> dict[str, float]:
    values = {"residual_one_sided": exact.one_sided[t, k], "effective_predicted": exact.effective[t, k]}
    for name in MISMATCHES:
        values |= {
            f"residual_{name}": exact.difference[name][t, k],
            f"cosine_{name}": exact.cosine[name][t, k],
            f"cosine_{name}_low": exact.spread[name][t, k, 0],
            f"cosine_{name}_high": exact.spread[name][t, k, 1],
            f"preconditioned_cosine_{name}": exact.preconditioned[name][t, k],
        }
    for name, table in vars(sampled).items():
        values |= {f"sampled_{name}": table[t, k].mean(), f"sampled_{name}_sd": table[t, k].std(ddof=1)}
    return values
