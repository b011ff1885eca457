r"""A drift that vanishes means p = q (Proposition 5.1), and how ill-conditioned that is (ours).

On the torus, how $\sup|V|$ falls with the frequency of a difference $q - p$ whose total variation stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drift_cli.studies.numbers import Measured, Table
from drift_cli.theory import identifiability

AMPLITUDE = 0.9  # of the difference, relative to p
_FREQUENCIES, _BANDWIDTHS = range(1, 33), (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class OnTorus(Measured):
    """sup|V| by its definition against the formula; `curves` are a column `frequency` and one for each bandwidth."""

    torus_formula_error: float
    torus_total_variation: float
    torus_drift_k1: float
    torus_drift_k8: float
    curves: dict[str, np.ndarray]

    def tables(self) -> dict[str, Table]:
        return {"identifiability": self.curves}


def on_torus() -> OnTorus:
    """sup|V| against the frequency of the difference, measured where rounding leaves something to measure."""
    frequencies = np.array(list(_FREQUENCIES), dtype=float)
    columns: dict[str, np.ndarray] = {"frequency": frequencies}
    worst = 0.0
    for bandwidth in _BANDWIDTHS:
        predicted = identifiability.largest_drift(AMPLITUDE, frequencies, bandwidth)
        columns[f"sup_drift_{bandwidth:g}"] = predicted
        for k, formula in zip(_FREQUENCIES, predicted, strict=True):
            if formula > 1e-9:  # below, rounding of the two mean shifts is all that is left
                found = identifiability.largest_on_torus(AMPLITUDE, k, bandwidth, 2001)
                worst = max(worst, abs(found - formula) / formula)
    first, eighth = (float(columns["sup_drift_1"][k - 1]) for k in (1, 8))
    return OnTorus(worst, identifiability.total_variation(AMPLITUDE), first, eighth, columns)
