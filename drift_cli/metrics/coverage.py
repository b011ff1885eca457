r"""How much of the target no sample reaches: a collapse that a small drift norm hides.

A point of the data is uncovered when its nearest generated sample is farther than the `reach`, the distance within
which 99 % of the data find a neighbour in a second sample of the target as large as the generated one. At q = p the
share is 0.01 by definition, at a collapsed q nearly 1.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from torch import Tensor

AT_TRUTH = 0.01


def reach(data: Float[Tensor, "m d"], other: Float[Tensor, "n d"]) -> float:
    """The distance within which all but 1 % of `data` have a point of `other`, a second sample of the target."""
    return float(np.quantile(_nearest(data, other), 1 - AT_TRUTH))


def uncovered(data: Float[Tensor, "m d"], samples: Float[Tensor, "n d"], reach: float) -> float:
    """The share of `data` that has no sample within `reach`."""
    return float((_nearest(data, samples) > reach).mean())


def _nearest(data: Tensor, points: Tensor) -> np.ndarray:
    distances: np.ndarray = cKDTree(points.cpu().numpy()).query(data.cpu().numpy())[0]
    return distances
