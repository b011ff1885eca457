r"""How $F_\sigma$ and its velocity depend on the measure (Turan & Ovsjanikov, E.1.1 and Lemma E.2, as reconstructed).

$F_\sigma$ is continuous under narrow convergence on a compact domain, where the unsmoothed divergence of points is
infinite; and $\sup_\Omega|v_q - v_{q'}| \le C\,W_2(q, q')$ for measures with $q_\sigma, q'_\sigma \ge c > 0$ on the
domain Ω, where C depends on c. All on a line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.theory.jko import wasserstein
from drift_cli.theory.mixture import GaussianMixture
from drift_cli.theory.smoothed_kl import noised_velocity, smoothed_kl


def shares(count: int) -> Float[Tensor, " n"]:
    """The midpoints of that many equal parts of [0, 1]."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def normal_points(q: GaussianMixture, count: int) -> Float[Tensor, " n"]:
    """The quantiles of a single mode on a line at the midpoints of equal shares, which tend to it narrowly."""
    quantiles: Tensor = torch.special.ndtri(shares(count))
    return q.means[0, 0] + q.variances[0].sqrt() * quantiles


def energy_excess(
    p: GaussianMixture, q: GaussianMixture, bandwidth: float, x: Float[Tensor, " n"], nodes: int
) -> float:
    """F_σ of the points less F_σ of the density q, on one grid."""
    # the density reaches beyond its points: to eight deviations, where it is e^{−32} of its height
    ends = q.means[:, 0] + 8 * q.variances.sqrt() * torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    energy = smoothed_kl(p, bandwidth, torch.cat([x, ends.ravel()])[:, None], nodes)
    return float(energy.energy(x[:, None]) - energy.of_density(q))


def directions(x: Float[Tensor, " n"]) -> dict[str, Float[Tensor, " n"]]:
    """Ways to displace ordered points, the farthest of them by 1: each a change of the measure of its own shape."""
    share = shares(len(x))
    middle, last = torch.zeros_like(x), torch.zeros_like(x)
    middle[len(x) // 2], last[-1] = 1.0, 1.0
    return {
        "shift": torch.ones_like(x),
        "spread": 2 * share - 1,
        "wave": torch.sin(6 * torch.pi * share),
        "half": (share > 0.5).double(),
        "middle": middle,
        "last": last,
    }


def velocity_changes(
    p: GaussianMixture,
    bandwidth: float,
    x: Float[Tensor, " n"],
    moved: Sequence[Float[Tensor, " n"]],
    at: Float[Tensor, " k"],
    nodes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The largest |v_q − v_q'| over the places `at`, and W₂(q, q'), of the points x and each of the points moved."""

    def velocity(points: Tensor) -> Tensor:
        return noised_velocity(p, bandwidth, points[:, None], at[:, None], nodes)

    before = velocity(x)
    changes = [float((before - velocity(points)).abs().max()) for points in moved]
    return np.array(changes), np.array([wasserstein(x, points) for points in moved])
