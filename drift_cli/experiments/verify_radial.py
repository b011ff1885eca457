"""`drift verify-radial`: where the drift of a radial kernel is a score difference, and where it is not (Lai et al.)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator

from drift_cli.config.verify_radial import VerifyRadialConfig
from drift_cli.errors import UserError
from drift_cli.figures import verify_radial as figure
from drift_cli.kernels import Gaussian, Laplace, Matern32, Matern52, Mixture, Power, RationalQuadratic, Weighted
from drift_cli.report.study import Study, study
from drift_cli.theory import radial
from drift_cli.theory.fits import Fit, fit
from drift_cli.theory.noised_query import Clouds, clouds
from drift_cli.theory.radial_quadrature import Comparison, Pair, TooCoarse, effective_fraction, population

TEMPERATURES = {"fixed": 0.0, "sqrt": 0.5, "linear": 1.0}  # τ grows as D to this power
MISMATCHES = ("mean", "scale", "both")
_DECOMPOSED = (1, 2, 16, 128)  # dimensions of the samples on which the decomposition is checked
_DECOMPOSED_QUERIES = 32
_NOISED = (1, 2)  # dimensions of the clouds on which the noised-query drift is checked
_NOISED_QUERIES = 8
_NOISED_TOLERANCE = 1e-11  # by how much the noised drift may change when its grid is made twice as fine


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


@dataclass(frozen=True)
class LowTemperature:
    """[dimension, temperature]: the relative residual of one mean shift, and 1 − cosine with both mismatches."""

    residual: np.ndarray
    misalignment: np.ndarray


@dataclass(frozen=True)
class Result:
    """What was measured; `summary` is what summary.json holds."""

    summary: dict[str, float]
    sweep: Sweep
    monte_carlo: MonteCarlo
    low_temperature: LowTemperature


def run(config: VerifyRadialConfig, path: Path) -> Result:
    """Check the identities, integrate and sample over the dimensions, lower the temperature; write what was found."""
    generator = torch.Generator().manual_seed(config.seed)
    with _refused():
        noised = {d: _noised(config, d, generator) for d in _NOISED}
        _check_nodes(config)
    with study("verify-radial", config, path, config.seed, parts=5) as s:
        s.summary |= {
            "dmd_error": max(each["error"] for each in noised.values()),
            "dmd_plain_difference": min(each["plain"] for each in noised.values()),
        }
        s.part("the decomposition on samples")
        _decomposition(s, config, generator)
        s.part("population values over the dimensions")
        with _refused():
            sweep = _sweep(config, generator)
        _summarise_sweep(s, config, sweep)
        s.part("Monte Carlo over the dimensions")
        monte_carlo = _monte_carlo(config, generator)
        _summarise_monte_carlo(s, config, sweep, monte_carlo)
        s.part("lower temperatures")
        with _refused():
            low = _low_temperature(config)
        _summarise_low_temperature(s, config, low)
        s.part("figures")
        _write(s, config, sweep, monte_carlo, low, generator)
    return Result(s.summary, sweep, monte_carlo, low)


@contextmanager
def _refused() -> Iterator[None]:
    """A quadrature that is too coarse is the user's setting."""
    try:
        yield
    except TooCoarse as error:
        raise UserError(f"{error}.") from error


def _check_nodes(config: VerifyRadialConfig) -> None:
    """Before any work: the quadrature at the ends of what is asked for. Raises the failure that wants most nodes."""
    ends = [(d, kernel) for d in (config.dimensions[0], config.dimensions[-1]) for kernel in _kernels(config, d)]
    ends += [(config.low_dimensions[-1], Laplace(tau)) for tau in config.low_temperatures]
    pair, failures = _pairs(config)["both"], []
    for dimension, kernel in ends:
        try:
            pair.compare(kernel, dimension, (0.0, math.sqrt(dimension)), config.nodes, config.tolerance)
        except TooCoarse as failure:
            failures.append(failure)
    if failures:
        raise max(failures, key=lambda failure: failure.enough or math.inf)


def _kernels(config: VerifyRadialConfig, dimension: int) -> list[Laplace]:
    """Laplace kernels at the three temperatures."""
    return [Laplace(config.temperature * dimension**power) for power in TEMPERATURES.values()]


def _pairs(config: VerifyRadialConfig) -> dict[str, Pair]:
    offset, deviation = config.offset, config.deviation
    return dict(zip(MISMATCHES, (Pair(offset, 1.0), Pair(0.0, deviation), Pair(offset, deviation)), strict=True))


def _decomposition(s: Study, config: VerifyRadialConfig, generator: Generator) -> None:
    """Every kernel, on weighted samples in several dimensions."""
    rows = []
    for dimension in _DECOMPOSED:
        x, y = (
            torch.randn(n, dimension, generator=generator, dtype=torch.float64)
            for n in (_DECOMPOSED_QUERIES, config.decomposition_samples)
        )
        log_weights = torch.randn(len(y), generator=generator, dtype=torch.float64)
        for name, kernel in _every_kernel(math.sqrt(dimension / 2)).items():
            errors = radial.check(kernel, x, y, log_weights)
            rows.append((name, dimension, errors.identity, errors.covariance))
    names, dimensions, identities, covariances = zip(*rows, strict=True)
    s.curves(
        "decomposition",
        {"kernel": names, "dimension": dimensions, "error": identities, "covariance": covariances},
    )
    s.summary |= {
        "decomposition_error": max(identities),
        "gaussian_covariance": max(c for name, _, _, c in rows if name == "gaussian"),
        "laplace_covariance": max(c for name, _, _, c in rows if name == "laplace"),
    }


def _every_kernel(bandwidth: float) -> dict[str, Weighted]:
    gaussian, laplace = Gaussian(bandwidth), Laplace(bandwidth)
    return {
        "gaussian": gaussian,
        "laplace": laplace,
        "matern32": Matern32(bandwidth),
        "matern52": Matern52(bandwidth),
        "rational_quadratic": RationalQuadratic(bandwidth, 1.5),
        "mixture": Mixture(bandwidth, (gaussian, laplace.scaled(3.0)), (1.0, 2.0)),
        "power": Power(laplace, 2.0),
    }


def _sweep(config: VerifyRadialConfig, generator: Generator) -> Sweep:
    """Population values at the query (0, √D), and the cosine's spread over queries drawn from q."""
    pairs, exact = _pairs(config), (config.nodes, config.tolerance)
    one_sided, effective = [], []
    typical: dict[str, list[list[Comparison]]] = {name: [] for name in MISMATCHES}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in MISMATCHES}
    for dimension in config.dimensions:
        kernels, distance = _kernels(config, dimension), math.sqrt(dimension)
        queries = _queries(config.queries, dimension, generator)
        one_sided.append([population(kernel, dimension, distance, 1.0, *exact).relative_residual for kernel in kernels])
        effective.append([effective_fraction(kernel, dimension, distance, 1.0, config.nodes) for kernel in kernels])
        for name, pair in pairs.items():
            typical[name].append([pair.compare(kernel, dimension, (0.0, distance), *exact) for kernel in kernels])
            cosines = [[pair.compare(k, dimension, query, config.nodes).cosine for query in queries] for k in kernels]
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


def _summarise_sweep(s: Study, config: VerifyRadialConfig, sweep: Sweep) -> None:
    """Slopes of log residual in log D: at each temperature, and the slowest of the three under the bare name."""
    for name, residual in {"one_sided": sweep.one_sided, **_named("difference", sweep.difference)}.items():
        fits = {growth: _slope(config, row) for growth, row in zip(TEMPERATURES, residual, strict=True)}
        _record(s, f"residual_slope_{name}", max(fits.values(), key=lambda found: found.slope))
        for growth, found in fits.items():
            _record(s, f"residual_slope_{name}_{growth}", found)
    last = np.log(sweep.one_sided[:, -1] / sweep.one_sided[:, -2]) / math.log(
        config.dimensions[-1] / config.dimensions[-2]
    )
    s.summary["residual_slope_one_sided_last_off"] = float(np.abs(last + 1).max())
    for k, dimension in enumerate(config.dimensions):
        s.summary[f"residual_one_sided_d{dimension}"] = float(sweep.one_sided[:, k].max())
        s.summary[f"residual_difference_d{dimension}"] = float(sweep.difference["both"][:, k].max())
        s.summary[f"cosine_mean_mismatch_d{dimension}"] = float(sweep.cosine["mean"][0, k])
        s.summary[f"cosine_scale_mismatch_d{dimension}"] = float(sweep.cosine["both"][0, k])
        s.summary[f"cosine_scale_alone_d{dimension}"] = float(sweep.cosine["scale"][0, k])
        s.summary[f"cosine_preconditioned_d{dimension}"] = float(sweep.preconditioned["both"][:, k].min())
    for t, growth in enumerate(TEMPERATURES):
        s.summary[f"cosine_scale_mismatch_{growth}_d{config.dimensions[-1]}"] = float(sweep.cosine["both"][t, -1])


def _named(what: str, by_mismatch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {what if name == "both" else f"{what}_{name}": table for name, table in by_mismatch.items()}


def _slope(config: VerifyRadialConfig, residual: np.ndarray) -> Fit:
    dimensions = np.array(config.dimensions, dtype=float)
    used = dimensions >= config.fit_from
    return fit(np.log(dimensions[used]), np.log(residual[used]))


def _record(s: Study, key: str, found: Fit) -> None:
    s.interval(key, found.slope, found.low, found.high)


def _monte_carlo(config: VerifyRadialConfig, generator: Generator) -> MonteCarlo:
    """The same from samples of p and q, repeatedly; the drift's cosine is with the population's score difference."""
    shape = (len(TEMPERATURES), len(config.dimensions), config.repeats)
    one_sided, difference, cosine, effective = (np.empty(shape) for _ in range(4))
    pair = _pairs(config)["both"]
    for k, dimension in enumerate(config.dimensions):
        query = torch.zeros(1, dimension, dtype=torch.float64)
        query[0, 1] = math.sqrt(dimension)  # the first axis is that of the offset
        kernels = _kernels(config, dimension)
        scores = [pair.compare(each, dimension, (0.0, math.sqrt(dimension)), config.nodes) for each in kernels]
        for repeat in range(config.repeats):
            q, p = (torch.randn(config.samples, dimension, generator=generator, dtype=torch.float64) for _ in range(2))
            p *= pair.deviation
            p[:, 0] += pair.offset
            for t, kernel in enumerate(kernels):
                from_q, from_p = radial.decompose(kernel, query, q), radial.decompose(kernel, query, p)
                drift, residual = from_p.shift - from_q.shift, from_p.covariance - from_q.covariance
                at = (t, k, repeat)
                one_sided[at] = from_q.covariance.norm() / from_q.shift.norm()
                difference[at] = residual.norm() / drift.norm()
                along = drift[0, :2].numpy() @ scores[t].score_difference
                cosine[at] = along / (drift.norm() * np.linalg.norm(scores[t].score_difference))
                effective[at] = from_q.effective
    return MonteCarlo(one_sided, difference, cosine, effective)


def _summarise_monte_carlo(s: Study, config: VerifyRadialConfig, sweep: Sweep, found: MonteCarlo) -> None:
    """How far the estimates are from the population, at the ends of the dimensions and the fixed temperature."""
    for k in (0, -1):
        d = config.dimensions[k]
        s.summary |= {
            f"monte_carlo_residual_one_sided_d{d}": found.one_sided[0, k].mean(),
            f"monte_carlo_residual_one_sided_d{d}.sd": found.one_sided[0, k].std(ddof=1),
            f"monte_carlo_over_population_d{d}": found.one_sided[0, k].mean() / sweep.one_sided[0, k],
            f"monte_carlo_cosine_d{d}": found.cosine[0, k].mean(),
            f"monte_carlo_cosine_d{d}.sd": found.cosine[0, k].std(ddof=1),
            f"monte_carlo_effective_d{d}": found.effective[0, k].mean(),
            f"monte_carlo_effective_predicted_d{d}": sweep.effective[0, k],
        }
    ratios = found.one_sided[0].mean(axis=1) / sweep.one_sided[0]
    limited = [d for d, ratio in zip(config.dimensions, ratios, strict=True) if ratio > 2]
    if limited:  # from here on the residual that samples show is mostly noise
        s.summary["monte_carlo_limited_from_d"] = limited[0]


def _low_temperature(config: VerifyRadialConfig) -> LowTemperature:
    pair, exact = _pairs(config)["both"], (config.nodes, config.tolerance)
    residual, misalignment = (np.empty((len(config.low_dimensions), len(config.low_temperatures))) for _ in range(2))
    for k, dimension in enumerate(config.low_dimensions):
        distance = math.sqrt(dimension)
        for t, temperature in enumerate(config.low_temperatures):
            kernel = Laplace(temperature)
            residual[k, t] = population(kernel, dimension, distance, 1.0, *exact).relative_residual
            misalignment[k, t] = 1 - pair.compare(kernel, dimension, (0.0, distance), *exact).cosine
    return LowTemperature(residual, misalignment)


def _summarise_low_temperature(s: Study, config: VerifyRadialConfig, low: LowTemperature) -> None:
    """The limit 1/(D + 1) at the lowest temperature, and how fast the lowest three approach it."""
    away = _away_from_limit(config, low)
    s.summary |= {
        "low_temperature_error": away[:, 0].max(),
        "low_temperature_cosine": 1 - low.misalignment[:, 0].max(),
        "low_temperature_residual": low.residual[:, 0].max(),
    }
    temperatures = np.log(np.tile(config.low_temperatures[:3], (len(away), 1)))
    rates = np.log(away[:, :3])
    centred = [values - values.mean(axis=1, keepdims=True) for values in (temperatures, rates)]
    _record(s, "low_temperature_exponent", fit(centred[0].ravel(), centred[1].ravel()))


def _away_from_limit(config: VerifyRadialConfig, low: LowTemperature) -> np.ndarray:
    return np.abs(low.residual * (np.array(config.low_dimensions)[:, None] + 1) - 1)


def _noised(config: VerifyRadialConfig, dimension: int, generator: Generator) -> dict[str, float]:
    """The noised-query drift against DMD's direction; `plain` is how far the drift at x itself is from it."""
    found = clouds(dimension, config.dmd_points, config.dmd_bandwidth, generator)
    x = torch.randn(_NOISED_QUERIES, dimension, generator=generator, dtype=torch.float64)
    noised = found.noised_drift(x, config.dmd_nodes)
    unit, finer = noised.abs().max(), found.noised_drift(x, 2 * config.dmd_nodes - 1)
    change = float((finer - noised).abs().max() / unit)
    if change > _NOISED_TOLERANCE:
        raise UserError(
            f"dmd_nodes={config.dmd_nodes} is too coarse (a grid twice as fine changes the noised drift by "
            f"{change:.1e}): give dmd_nodes={2 * config.dmd_nodes - 1} or more."
        )
    direction, plain = found.dmd_direction(x, config.dmd_nodes), found.drift(x) / config.dmd_bandwidth**2
    return {
        "error": float((finer - direction).abs().max() / unit),
        "plain": float((plain - direction).abs().max() / unit),
    }


def _line(config: VerifyRadialConfig, generator: Generator) -> dict[str, np.ndarray]:
    """Plain drift, noised drift and DMD's direction along a line, for the figure."""
    found: Clouds = clouds(1, config.dmd_points, config.dmd_bandwidth, generator)
    x = torch.linspace(-4, 4, 161, dtype=torch.float64)[:, None]
    columns = {
        "x": x,
        "plain": found.drift(x) / config.dmd_bandwidth**2,
        "noised": found.noised_drift(x, config.dmd_nodes),
        "dmd": found.dmd_direction(x, config.dmd_nodes),
    }
    return {name: column[:, 0].numpy() for name, column in columns.items()}


def _write(
    s: Study,
    config: VerifyRadialConfig,
    sweep: Sweep,
    monte_carlo: MonteCarlo,
    low: LowTemperature,
    generator: Generator,
) -> None:
    """Every curve as columns, then the figures from the same columns."""
    rows = [
        {"temperature": growth, "dimension": dimension} | _row(sweep, monte_carlo, t, k)
        for t, growth in enumerate(TEMPERATURES)
        for k, dimension in enumerate(config.dimensions)
    ]
    by_dimension: figure.Columns = {key: [row[key] for row in rows] for key in rows[0]}
    grid = np.meshgrid(config.low_temperatures, config.low_dimensions)
    by_temperature: figure.Columns = {
        "dimension": grid[1].ravel(),
        "temperature": grid[0].ravel(),
        "residual": low.residual.ravel(),
        "away_from_limit": _away_from_limit(config, low).ravel(),
        "misalignment": low.misalignment.ravel(),
    }
    line = _line(config, generator)
    s.curves("dimensions", by_dimension)
    s.curves("low_temperature", by_temperature)
    s.curves("noised_query", line)
    folder = s.path / "figures"
    s.figures += [
        figure.residuals(by_dimension, config.temperature, folder),
        figure.directions(by_dimension, config.temperature, config.samples, folder),
        figure.low_temperature(by_temperature, folder),
        figure.noised_query(line, config.dmd_bandwidth, folder),
    ]


def _row(sweep: Sweep, monte_carlo: MonteCarlo, t: int, k: int) -> dict[str, float]:
    values = {"residual_one_sided": sweep.one_sided[t, k], "effective_predicted": sweep.effective[t, k]}
    for name in MISMATCHES:
        values |= {
            f"residual_{name}": sweep.difference[name][t, k],
            f"cosine_{name}": sweep.cosine[name][t, k],
            f"cosine_{name}_low": sweep.spread[name][t, k, 0],
            f"cosine_{name}_high": sweep.spread[name][t, k, 1],
            f"preconditioned_cosine_{name}": sweep.preconditioned[name][t, k],
        }
    for name, table in vars(monte_carlo).items():
        values |= {f"sampled_{name}": table[t, k].mean(), f"sampled_{name}_sd": table[t, k].std(ddof=1)}
    return values
