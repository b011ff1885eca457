r"""The drift is $\sigma^2$ times a score difference, to rounding (Theorem 4.1); its controls.

Both sides from the same mixtures, $V = \sigma^2\nabla\log(p_\sigma / q_\sigma)$, and from the same samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.studies.numbers import Measured
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from drift_cli.theory import mixture
from drift_cli.theory.mixture import GaussianMixture

_DIMENSIONS = (1, 2, 3, 16)
_BANDWIDTHS = (0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Identity(Measured):
    """The largest relative errors, of closed forms and of what training computes."""

    closed_form_error: float
    empirical_error: float
    identity_max_error: float  # the larger of the two


@dataclass(frozen=True)
class Controls(Measured):
    """What is left of the identity, at the best scale, where it must not hold."""

    laplace_control_error: float
    bandwidth_control_error: float


def identity(config: VerifyScoreConfig, of_mixtures: Generator, of_samples: Generator) -> Identity:
    """Both sides of the identity, from mixtures and from samples."""
    closed, empirical = closed_form_error(config, of_mixtures), empirical_error(config, of_samples)
    return Identity(closed, empirical, max(closed, empirical))


def closed_form_error(config: VerifyScoreConfig, generator: Generator) -> float:
    """Largest relative difference of a mixture's mean shift from σ² times autograd's ∇ log p_σ, over dimensions."""
    worst = 0.0
    for d in _DIMENSIONS:
        p = mixture.ring(config.modes, config.radius, config.deviation, d)
        x = 2 * torch.randn(200, d, generator=generator, dtype=torch.float64)
        for bandwidth in _BANDWIDTHS:
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
        for kernel in map(Gaussian, _BANDWIDTHS):
            found = MeanShift("include")(kernel, x, data, model, paired=False)
            expected = kernel.bandwidth**2 * score_difference(kernel, x, data, model)
            worst = max(worst, relative(found, expected))
    return worst


def controls(p: GaussianMixture, q: GaussianMixture, generator: Generator) -> Controls:
    """The Laplace mean shift against its score difference, and a Gaussian one against that of a wrong bandwidth."""
    data, model = p.sample(2000, generator), q.sample(2000, generator)
    x = q.sample(200, generator)
    tau, sigma = 0.3, 0.3
    laplace = MeanShift("include")(Laplace(tau), x, data, model, paired=False)
    gaussian = MeanShift("include")(Gaussian(sigma), x, data, model, paired=False)
    wrong = score_difference(Gaussian(1.1 * sigma), x, data, model)
    return Controls(
        scaled_difference(laplace, score_difference(Laplace(tau), x, data, model)),
        scaled_difference(gaussian, wrong),
    )


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
