r"""Bias and variance of the mean shift estimated from samples with self-normalised weights (ours).

For a query x independent of N samples of q, with $\rho = \mathbb E_q[k^2]/\mathbb E_q[k]^2$ and $M^{(2)}$ the mean
shift under the kernel $k^2$ (Gaussian: bandwidth $\sigma/\sqrt2$):

$$\mathbb E\hat M - M = \frac{\rho}{N}\,(M - M^{(2)}) + O(N^{-2}), \qquad
\operatorname{tr}\operatorname{Cov}\hat M = \frac{\rho}{N}\,\mathbb E_{\pi_2}|y - x - M|^2 + O(N^{-2}),$$

$\pi_2 \propto k^2 q$. Both hold where the effective sample size $N/\rho$ is large; below about 1 the estimate is the
way to the nearest sample, and its error does not fall as $N^{-1/2}$.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from drift_cli.theory.mixture import GaussianMixture, mean_shift, posterior


@dataclass(frozen=True)
class Prediction:
    """At queries [n, d]: `bias` [n, d], total `variance` [n], `effective` sample size [n]."""

    bias: Float[Tensor, "n d"]
    variance: Float[Tensor, " n"]
    effective: Float[Tensor, " n"]


def predict(q: GaussianMixture, bandwidth: float, x: Float[Tensor, "n d"], samples: int) -> Prediction:
    """To leading order in 1/N, for the Gaussian kernel and a mixture q."""
    narrow = bandwidth / math.sqrt(2)
    shift, shift_narrow = mean_shift(q, bandwidth, x), mean_shift(q, narrow, x)
    # E[k] = (2πσ²)^{d/2} q_σ and E[k²] = (πσ²)^{d/2} q_{σ/√2}.
    log_rho = q.smoothed(narrow).log_density(x) - 2 * q.smoothed(bandwidth).log_density(x)
    rho = (log_rho - q.dimension / 2 * math.log(4 * math.pi * bandwidth**2)).exp()
    centres, spreads = posterior(q, narrow, x)
    squared = (centres - (x + shift)[:, None, :]).square().sum(dim=2) + q.dimension * spreads
    expected = (q.smoothed(narrow).responsibilities(x) * squared).sum(dim=1)
    return Prediction(rho[:, None] / samples * (shift - shift_narrow), rho / samples * expected, samples / rho)
