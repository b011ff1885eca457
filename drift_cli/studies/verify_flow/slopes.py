"""Orders of convergence: slopes of logarithms with their intervals."""

from __future__ import annotations

import numpy as np

from drift_cli.studies.numbers import Interval
from drift_cli.theory.fits import fit


def slope(x: np.ndarray, y: np.ndarray) -> Interval:
    """Of y against x, by least squares."""
    found = fit(x, y)
    return Interval(found.slope, found.low, found.high)
