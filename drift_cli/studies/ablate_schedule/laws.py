r"""What annealing does at all (ours): the annealing law of every kernel, and that the order of bandwidths is no matter.

The law $\Lambda_k = [h(\sigma k) - h(\sigma_0k)]/r$ by quadrature; the multi-scale drift that collects the same; and
how far the full equation, in which the order of the bandwidths may matter, is from both.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.kernels import DIMENSIONS, KERNELS
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import annealing, occupation
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import rate_of
from drift_cli.theory.theorem62 import gaussian_rate

_ORDER_MODES = 10  # modes of the full equation, how long it runs, and the amplitudes that each mode starts with
_ORDER_TIME = 20.0
_AMPLITUDES = (1e-4, 1e-3, 1e-2, 0.05)


@dataclass(frozen=True)
class Laws(Measured):
    """The largest errors of the annealing law, times r, and of the equivalent multi-scale drift (relative)."""

    annealing_law_error: float
    multi_scale_equivalence_error: float
    rows: list[tuple[str, int, float, float]]  # of the law: kernel, dimension, share of the sweep, error

    def tables(self) -> dict[str, Table]:
        return {"annealing_law": columns(("kernel", "dimension", "share_of_sweep", "error"), self.rows)}


@dataclass(frozen=True)
class Orders(Measured):
    """Total errors of the full equation by the amplitude of each mode at the start.

    The larger |ratio − 1| of annealing down and up to the mixture, and of the mixture to the linear theory.
    """

    order_of_bandwidths_matters: dict[str, float]
    order_of_bandwidths_linear_error: dict[str, float]
    errors: Table

    def tables(self) -> dict[str, Table]:
        return {"order_of_bandwidths": {"amplitude": _AMPLITUDES, **self.errors}}


def laws(config: AblateScheduleConfig) -> Laws:
    """The annealing law of every kernel along the sweep; annealing against the multi-scale drift."""
    k, r = np.arange(1.0, config.modes + 1), 1.0
    duration = math.log(config.sigma_0 / config.last) / r
    course = annealing.exponential(config.sigma_0, config.last, duration)
    rows = []
    for (name, kernel), d, share in itertools.product(KERNELS.items(), DIMENSIONS, (0.25, 0.5, 1.0)):
        sigma = config.sigma_0 * math.exp(-r * share * duration)
        law = annealing.annealing_law(kernel, d, k, config.sigma_0, sigma, r)
        found = annealing.accumulated(course, rate_of(kernel, d), k, share * duration)
        rows.append((name, d, share, float(np.max(np.abs(found - law)) * r)))
    equivalence = comparison.multi_scale_error(gaussian_rate, k, config.sigma_0, config.last, duration)
    return Laws(max(row[-1] for row in rows), equivalence, rows)


def orders(config: AblateScheduleConfig) -> Orders:
    """The full equation after annealing down, up, and the mixture of the same bandwidths."""
    bandwidths = np.geomspace(config.sigma_0, min(config.sigma_0, math.sqrt(2) / _ORDER_MODES), 32)
    found = {
        f"amplitude_{amplitude:g}": occupation.order_matters(
            _ORDER_MODES, amplitude, bandwidths, _ORDER_TIME, config.seeds[0]
        )
        for amplitude in _AMPLITUDES
    }
    return Orders(
        {at: max(abs(each[name] / each["mixture"] - 1) for name in ("down", "up")) for at, each in found.items()},
        {at: abs(each["mixture"] / each["linear"] - 1) for at, each in found.items()},
        {name: [each[name] for each in found.values()] for name in ("down", "up", "mixture", "linear")},
    )
