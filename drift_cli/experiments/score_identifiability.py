r"""Of `drift verify-score`: a drift that vanishes means p = q (Proposition 5.1), and how hard that is to see (ours).

On the torus, how $\sup|V|$ falls with the frequency of a difference $q - p$ whose total variation stays the same.
"""

from __future__ import annotations

import numpy as np

from drift_cli.report.study import Study
from drift_cli.theory import identifiability

AMPLITUDE = 0.9  # of the difference, relative to p
_FREQUENCIES, _BANDWIDTHS = range(1, 33), (0.25, 0.5, 1.0)


def on_torus(s: Study) -> dict[str, np.ndarray]:
    """sup|V| by its definition against the formula: a column `frequency`, and one for each bandwidth."""
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
    s.summary["torus_formula_error"] = worst
    s.summary["torus_total_variation"] = identifiability.total_variation(AMPLITUDE)
    s.summary["torus_drift_k1"] = float(columns["sup_drift_1"][0])
    s.summary["torus_drift_k8"] = float(columns["sup_drift_1"][7])
    s.curves("identifiability", columns)
    return columns
