r"""The intrinsic dimension of points by their two nearest neighbours (Facco et al. 2017).

Where the density hardly changes over the two nearest neighbours of a point, at distances $r_1 < r_2$, the ratio
$\mu = r_2/r_1$ has the law $P(\mu > x) = x^{-d}$, whatever the density: log μ is exponential of rate d. So
$\hat d = (n - 1)/\sum\log\mu$ is unbiased, and $2d\sum\log\mu$ is $\chi^2$ of 2n degrees of freedom, which gives the
interval (as if the ratios were independent; neighbours share some of theirs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

_FEWEST = 20


@dataclass(frozen=True)
class Dimension:
    """The estimate and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def intrinsic_dimension(x: Float[Tensor, "n d"]) -> Dimension:
    """Of the points [n, d]; of equal points one is kept.

    Raises `ValueError` where fewer than 20 are left, or none of them has two neighbours at different distances.
    """
    from scipy.spatial import KDTree
    from scipy.stats import chi2

    points = x.detach().cpu().double().unique(dim=0).numpy()
    if len(points) < _FEWEST:
        raise ValueError(f"it needs {_FEWEST} different points, got {len(points)}")
    distances, _ = KDTree(points).query(points, k=3)
    apart = distances[:, 1] > 0  # points that differ by less than their rounding have distance zero
    logs = float(np.log(distances[apart, 2] / distances[apart, 1]).sum())
    if not logs > 0:
        raise ValueError("the two nearest neighbours of every point are equally far")
    n = int(apart.sum())
    low, high = (float(end) / (2 * logs) for end in chi2.ppf([0.025, 0.975], 2 * n))
    return Dimension((n - 1) / logs, low, high)
