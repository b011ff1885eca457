"""Slopes with their confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Fit:
    """A slope fitted by least squares, its standard error and the ends of its 95 % confidence interval."""

    slope: float
    error: float
    low: float
    high: float


def fit(x: np.ndarray, y: np.ndarray) -> Fit:
    """The slope of y [n] against x [n], with Student's t for n − 2. Raises `ValueError` for fewer than three points."""
    if len(x) < 3:
        raise ValueError(f"a slope with an interval takes at least three points, got {len(x)}")
    found = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(x) - 2) * found.stderr)
    return Fit(float(found.slope), float(found.stderr), float(found.slope) - half, float(found.slope) + half)
