"""The units that a target on the plane may have been given in where a distance is reported without one (ours)."""

from __future__ import annotations

from torch import Tensor


def units(points: Tensor) -> dict[str, float]:
    """How long one of our units is in each of them, for a target [n, 2] whose coordinates here reach about one.

    `half_width_x`: its coordinates reach x; `standardised`: they have unit variance on average over the two.
    """
    deviation = float(points.var(dim=0).mean().sqrt())
    return {
        "half_width_0.5": 0.5,
        "half_width_1": 1.0,
        "standardised": 1 / deviation,
        "half_width_2": 2.0,
        "half_width_4": 4.0,
    }
