"""`drift verify-score`: Theorem 4.1 and Proposition 5.1, exactly and from samples (Figure 1, Appendix I.1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from torch import Generator, Tensor

from drift_cli.config.verify_score import VerifyScoreConfig
from drift_cli.drift import MeanShift
from drift_cli.figures import verify_score as figures
from drift_cli.fused import kernel_mean
from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.report.study import Study, study
from drift_cli.theory import identifiability, mixture, self_normalised
from drift_cli.theory.mixture import GaussianMixture

_DIMENSIONS = (1, 2, 3, 16)  # of the exact identities
_EXACT_BANDWIDTHS = (0.1, 0.3, 1.0)
_TAIL_SAMPLES, _TAIL_REPEATS = 2000, 20
_ESTIMATES, _ESTIMATE_SAMPLES, _ESTIMATE_BANDWIDTH = 20_000, 100, 0.3  # of the estimator's bias and variance
_MEANT = 5.0  # effective samples from which the expansion in 1/N is meant to hold
_GRID = 25  # arrows along a side of the field
_TORUS_AMPLITUDE, _TORUS_FREQUENCIES, _TORUS_BANDWIDTHS = 0.9, range(1, 33), (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class MonteCarlo:
    """Mean errors [bandwidth, N, repeat] of the empirical drift, the drift's own mean size and effective samples."""

    bandwidths: list[float]
    samples: list[int]
    errors: np.ndarray
    size: np.ndarray
    effective: np.ndarray


@dataclass(frozen=True)
class Exponent:
    """A fitted slope of log error in log N with its 95 % interval over the repeats."""

    value: float
    low: float
    high: float


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
class Tails:
    """Relative error of one mean shift against the query's radius, per bandwidth, mean and sd over repeats."""

    radii: np.ndarray
    bandwidths: list[float]
    error: np.ndarray
    spread: np.ndarray
    effective: np.ndarray


@dataclass(frozen=True)
class Result:
    identity_max_error: float
    monte_carlo: MonteCarlo
    exponent: Exponent
    estimator: Estimator
    tails: Tails


def run(config: VerifyScoreConfig, path: Path) -> Result:
    """Everything, into the run folder `path`."""
    p, q = mixture.ring(config.modes, config.radius, config.deviation), mixture.normal(2)

    def stream(part: int) -> Generator:
        """Each part draws from its own, so that a change of one leaves the others as they were."""
        state = np.random.SeedSequence([config.seed, part]).generate_state(1, np.uint64)
        return Generator().manual_seed(int(state[0] >> 1))

    with study("verify-score", config, path, config.seed, parts=6) as s:
        s.part("exact identities")
        closed, empirical = closed_form_error(config, stream(0)), empirical_error(config, stream(1))
        s.summary |= {"closed_form_error": closed, "empirical_error": empirical}
        s.summary["identity_max_error"] = max(closed, empirical)
        s.part("negative controls")
        _controls(s, p, q, stream(2))
        s.part("error against N")
        monte_carlo = measure_errors(config, p, q, stream(3))
        exponent = fitted_exponent(monte_carlo)
        _write_monte_carlo(s, monte_carlo, exponent)
        s.part("bias and variance of the estimator")
        estimator = measure_estimator(mixture.normal(1), stream(4))
        tails = measure_tails(config, q, stream(5))
        _write_estimator(s, estimator, tails)
        s.part("identifiability")
        _identifiability(s, path)
        s.part("figures")
        s.figures.append(figures.draw_fields(fields(config, p, q, stream(6)), path / "figures"))
        s.figures.append(figures.draw_errors(monte_carlo, exponent, path / "figures"))
        s.figures.append(figures.draw_estimator(estimator, tails, path / "figures"))
    return Result(s.summary["identity_max_error"], monte_carlo, exponent, estimator, tails)


def closed_form_error(config: VerifyScoreConfig, generator: Generator) -> float:
    """Largest relative difference of a mixture's mean shift from σ² times autograd's ∇ log p_σ, over dimensions."""
    worst = 0.0
    for d in _DIMENSIONS:
        p = mixture.ring(config.modes, config.radius, config.deviation, d)
        x = 2 * torch.randn(200, d, generator=generator, dtype=torch.float64)
        for bandwidth in _EXACT_BANDWIDTHS:
            score = gradient(p.smoothed(bandwidth).log_density, x)
            worst = max(worst, relative(mixture.mean_shift(p, bandwidth, x), bandwidth**2 * score))
    return worst


def empirical_error(config: VerifyScoreConfig, generator: Generator) -> float:
    """The same of the empirical drift, as training computes it, from σ² times the difference of two KDE scores."""
    worst = 0.0
    for d in _DIMENSIONS:
        p = mixture.ring(config.modes, config.radius, config.deviation, d)
        data, model = p.sample(300, generator), mixture.normal(d).sample(200, generator)
        x = 2 * torch.randn(200, d, generator=generator, dtype=torch.float64)
        for kernel in map(Gaussian, _EXACT_BANDWIDTHS):
            found = MeanShift("include")(kernel, x, data, model, paired=False)
            expected = kernel.bandwidth**2 * score_difference(kernel, x, data, model)
            worst = max(worst, relative(found, expected))
    return worst


def _controls(s: Study, p: GaussianMixture, q: GaussianMixture, generator: Generator) -> None:
    """What must not agree: the Laplace mean shift with its score difference at any scale, and a wrong bandwidth."""
    data, model = p.sample(2000, generator), q.sample(2000, generator)
    x = q.sample(200, generator)
    tau, sigma = 0.3, 0.3
    laplace = MeanShift("include")(Laplace(tau), x, data, model, paired=False)
    s.summary["laplace_control_error"] = scaled_difference(laplace, score_difference(Laplace(tau), x, data, model))
    gaussian = MeanShift("include")(Gaussian(sigma), x, data, model, paired=False)
    wrong = score_difference(Gaussian(1.1 * sigma), x, data, model)
    s.summary["bandwidth_control_error"] = scaled_difference(gaussian, wrong)


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


def fitted_exponent(found: MonteCarlo) -> Exponent:
    """One slope for all bandwidths, each with its own level; repeats are independent, so they give the interval."""
    log_n = np.log(found.samples) - np.log(found.samples).mean()
    levels = np.log(found.errors) - np.log(found.errors).mean(axis=1, keepdims=True)
    slopes = (levels * log_n[None, :, None]).sum(axis=1).mean(axis=0) / (log_n**2).sum()
    half = float(stats.t.ppf(0.975, len(slopes) - 1) * stats.sem(slopes))
    return Exponent(float(slopes.mean()), float(slopes.mean()) - half, float(slopes.mean()) + half)


def measure_estimator(q: GaussianMixture, generator: Generator) -> Estimator:
    """Bias and variance of M̂_q in one dimension over many sets of N samples; the query counting itself, or not."""
    at = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], dtype=torch.float64)[:, None]
    exact = mixture.mean_shift(q, _ESTIMATE_BANDWIDTH, at)[:, 0]
    prediction = self_normalised.predict(q, _ESTIMATE_BANDWIDTH, at, _ESTIMATE_SAMPLES)
    y = q.sample(_ESTIMATES * _ESTIMATE_SAMPLES, generator)[:, 0].reshape(_ESTIMATES, _ESTIMATE_SAMPLES)
    kernel = Gaussian(_ESTIMATE_BANDWIDTH)
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


def measure_tails(config: VerifyScoreConfig, q: GaussianMixture, generator: Generator) -> Tails:
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
    spread = each.std(dim=1).numpy()
    return Tails(
        radii.numpy(), list(config.bandwidths), each.mean(dim=1).numpy(), spread, torch.stack(effective).numpy()
    )


@dataclass(frozen=True)
class Fields:
    """Drifts on a square grid [g·g, 2], from samples and exact, and the densities' outlines to draw beside them."""

    bandwidth: float
    samples: int
    points: np.ndarray
    empirical: np.ndarray
    exact: np.ndarray
    target: np.ndarray


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


def _identifiability(s: Study, path: Path) -> None:
    """The torus: sup|V| by its definition against the formula, and how it falls at one total variation."""
    frequencies = np.array(list(_TORUS_FREQUENCIES), dtype=float)
    columns: dict[str, np.ndarray] = {"frequency": frequencies}
    worst = 0.0
    for bandwidth in _TORUS_BANDWIDTHS:
        predicted = identifiability.largest_drift(_TORUS_AMPLITUDE, frequencies, bandwidth)
        columns[f"sup_drift_{bandwidth:g}"] = predicted
        for k, formula in zip(_TORUS_FREQUENCIES, predicted, strict=True):
            if formula > 1e-9:  # below, rounding of the two mean shifts is all that is left
                found = identifiability.largest_on_torus(_TORUS_AMPLITUDE, k, bandwidth, 2001)
                worst = max(worst, abs(found - formula) / formula)
    s.summary["torus_formula_error"] = worst
    s.summary["torus_total_variation"] = identifiability.total_variation(_TORUS_AMPLITUDE)
    s.summary["torus_drift_k1"] = float(columns["sup_drift_1"][0])
    s.summary["torus_drift_k8"] = float(columns["sup_drift_1"][7])
    s.curves("identifiability", columns)
    s.figures.append(figures.draw_identifiability(columns, _TORUS_AMPLITUDE, path / "figures"))


def _write_monte_carlo(s: Study, found: MonteCarlo, exponent: Exponent) -> None:
    s.interval("monte_carlo_exponent", exponent.value, exponent.low, exponent.high)
    mean, sd = found.errors.mean(axis=2), found.errors.std(axis=2, ddof=1)
    relative_error = mean / found.size[:, None]
    for b, bandwidth in enumerate(found.bandwidths):
        s.summary[f"relative_error.{bandwidth:g}"] = float(relative_error[b, -1])
        s.summary[f"absolute_error.{bandwidth:g}"] = float(mean[b, -1])
    s.summary["largest_relative_error"] = float(relative_error[:, -1].max())
    rows = [(b, n) for b in range(len(found.bandwidths)) for n in range(len(found.samples))]
    s.curves("monte_carlo", {
        "bandwidth": [found.bandwidths[b] for b, _ in rows],
        "samples": [found.samples[n] for _, n in rows],
        "error": [mean[at] for at in rows],
        "sd": [sd[at] for at in rows],
        "relative_error": [relative_error[at] for at in rows],
        "effective_samples": [found.effective[at] for at in rows],
    })  # fmt: skip


def _write_estimator(s: Study, found: Estimator, tails: Tails) -> None:
    meant = found.effective >= _MEANT
    pull = np.abs(found.bias - found.predicted_bias)[meant]
    scale = np.abs(found.predicted_bias)[meant].max()
    s.summary["bias_prediction_error"] = float(pull.max() / scale)
    s.summary["variance_prediction_error"] = float(np.abs(found.variance / found.predicted_variance - 1)[meant].max())
    s.summary["included_over_excluded_rms"] = float((found.included_rms / found.rms).max())
    s.curves("estimator", {name: getattr(found, name) for name in found.__dataclass_fields__})
    s.summary["tail_relative_error"] = float(tails.error.max())
    rows = [(b, r) for b in range(len(tails.bandwidths)) for r in range(len(tails.radii))]
    s.curves("tails", {
        "bandwidth": [tails.bandwidths[b] for b, _ in rows],
        "radius": [tails.radii[r] for _, r in rows],
        "relative_error": [tails.error[at] for at in rows],
        "sd": [tails.spread[at] for at in rows],
        "effective_samples": [tails.effective[at] for at in rows],
    })  # fmt: skip


def score_difference(kernel: Kernel, x: Tensor, data: Tensor, model: Tensor) -> Tensor:
    """∇ log Σ_j k(x, y_j) − ∇ log Σ_l k(x, x_l), by autograd of the logarithms of the sums."""

    def log_sum(points: Tensor, at: Tensor) -> Tensor:
        squared = (at[:, None, :] - points[None]).square().sum(dim=2)
        return torch.logsumexp(kernel.log_profile(squared.sqrt()), dim=1)

    return gradient(lambda at: log_sum(data, at) - log_sum(model, at), x)


def gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∇ of a function of each row."""
    at = x.detach().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


def relative(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest expected entry."""
    return float((found - expected).abs().max() / expected.abs().max())


def scaled_difference(found: Tensor, expected: Tensor) -> float:
    """|V − c W|/|V| at the factor c that makes it least: what no rescaling can mend."""
    factor = (found * expected).sum() / expected.square().sum()
    return float((found - factor * expected).norm() / found.norm())


def _median_effective(p: GaussianMixture, bandwidth: float, x: Tensor, samples: int) -> float:
    return float(self_normalised.predict(p, bandwidth, x, samples).effective.median())
