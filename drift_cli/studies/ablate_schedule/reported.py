r"""What a public digest reports of Figure 2, in the linear theory of a uniform target.

Modes 1 … 20, σ from σ₀ to √2/20: at k = 20 exponential annealing is about 6 times ahead of linear, and of cosine by
orders of magnitude. With $\Lambda$ the accumulated decays of mode 20, which are proportional to the sweep's length T,
the ratio to linear is $e^{\Lambda_e - \Lambda_l}$: any number, by the choice of T. What does not depend on T, nor on
whether amplitude or energy is meant, nor on a hold afterwards, is the ratio to cosine where that to linear is 6,

$$6^{(\Lambda_e - \Lambda_c)/(\Lambda_e - \Lambda_l)}.$$

Two curves are called cosine: the half wave, which lingers at σ_min, and the quarter wave, which is fastest there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.numbers import Measured
from drift_cli.theory import annealing
from drift_cli.theory.annealing import Course
from drift_cli.theory.theorem62 import gaussian_rate

MODES, AHEAD = 20, 6.0
STARTS = (0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)  # σ₀
HORIZONS = (10.0, 20.0, 30.0, 50.0)  # lengths of the sweep
SHARES = (0.5, 0.75, 0.9, 1.0)  # of the sweep, after which the errors are compared; the last is all of it


def quarter_cosine(sigma_0: float, sigma_min: float, duration: float) -> Course:
    r"""$\sigma_{\min} + (\sigma_0 - \sigma_{\min})\cos(\pi t/2T)$."""
    sigma = np.geomspace(sigma_0, sigma_min, annealing.linear(sigma_0, sigma_min, duration).edges.size)
    left = np.concatenate([[1.0], (sigma[1:-1] - sigma_min) / (sigma_0 - sigma_min), [0.0]])

    def bandwidth(t: np.ndarray) -> np.ndarray:
        return sigma_min + (sigma_0 - sigma_min) * np.cos(math.pi * t / (2 * duration))

    return Course("quarter cosine", bandwidth, duration * np.arccos(left) / (math.pi / 2), sigma_min)


COSINES = {"half": annealing.cosine, "quarter": quarter_cosine}


@dataclass(frozen=True)
class Figure2(Measured):
    """`reported.fig2.<what>.<setting>`, by the start, `sigma0_3`.

    `horizon`: the length of the sweep that makes linear 6 times behind in mode 20. `linear`: over exponential, also by
    a length, of mode 20 and of the total error. `cosine`: each cosine over exponential after a share of the sweep at
    whose end linear is 6 times behind.
    """

    reported: dict[str, float]


def figure_2() -> Figure2:
    """Every start, length and share of the sweep."""
    found = {}
    for sigma_0 in STARTS:
        place = f"sigma0_{sigma_0:g}"
        for share in SHARES:
            decays = per_unit_of_time(sigma_0, share)
            ahead = decays["exponential"][-1] - decays["linear"][-1]
            for shape in COSINES:
                logarithm = math.log(AHEAD) * (decays["exponential"][-1] - decays[shape][-1]) / ahead
                found[f"fig2.cosine.{shape}.{place}.after_{share:g}"] = math.exp(logarithm)
        found[f"fig2.horizon.{place}"] = math.log(AHEAD) / ahead
        for horizon in HORIZONS:
            at = f"{place}.horizon_{horizon:g}"
            found[f"fig2.linear.amplitude.{at}"] = math.exp(horizon * ahead)
            found[f"fig2.linear.energy.{at}"] = math.exp(2 * horizon * ahead)
            found[f"fig2.linear.total_error.{at}"] = _of_totals(decays, horizon)
    return Figure2(found)


def per_unit_of_time(sigma_0: float, share: float) -> dict[str, np.ndarray]:
    """Λ_k/T after a share of each sweep of length T, for modes 1 … 20."""
    k, sigma_min = np.arange(1.0, MODES + 1), math.sqrt(2) / MODES
    shapes = {"exponential": annealing.exponential, "linear": annealing.linear, **COSINES}
    return {
        name: annealing.accumulated(shape(sigma_0, sigma_min, 1.0), gaussian_rate, k, share)
        for name, shape in shapes.items()
    }


def _of_totals(decays: dict[str, np.ndarray], horizon: float) -> float:
    """Total error of linear over that of exponential annealing, for a flat initial spectrum."""
    k = np.arange(1.0, MODES + 1)
    logs = [annealing.log_error(horizon * decays[each], k, 0.0) for each in ("linear", "exponential")]
    return math.exp(logs[0] - logs[1])
