r"""What holds for every kernel (ours): the annealing law, by quadrature, and the lower bound of the time.

The law is $\Lambda_k = [h(\sigma k) - h(\sigma_0k)]/r$. The bound needs $\sup_\sigma\sum_k\lambda(\sigma k)/k \le 1$.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.optimum import measured_time
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.kernels import every_kernel
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import annealing, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import rate_of

_ALPHA = 1.5  # of the rational quadratic kernel
_DIMENSIONS = (1, 2)
_DUAL_MODES = 2000  # of the sum that the bound's condition is about


@dataclass(frozen=True)
class Law(Measured):
    """The largest |Λ − law|·r; `rows` are kernel, dimension, share of the sweep, error."""

    annealing_law_error: float
    rows: list[tuple[str, int, float, float]]

    def tables(self) -> dict[str, Table]:
        return {"annealing_law": columns(("kernel", "dimension", "share_of_sweep", "error"), self.rows)}


@dataclass(frozen=True)
class LowerBound(Measured):
    """The sum of the condition, the largest and that of a kernel that fails it; and the optimum over the bound.

    By kernel and dimension, `gaussian_1d`, that ratio and the time of the best exponential sweep.
    """

    lower_bound_condition: float
    lower_bound_condition_control: float
    optimal_over_lower_bound_least_kernel: float
    optimal_over_lower_bound: dict[str, float]
    time_exponential: dict[str, float]
    rows: list[tuple[str, int, float, float, float, float]]

    def tables(self) -> dict[str, Table]:
        names = ("kernel", "dimension", "dual_sum", "time_optimal", "optimal_over_lower_bound", "time_exponential")
        return {"kernels": columns(names, self.rows)}


def law(config: AblateScheduleConfig) -> Law:
    """At a quarter, half and all of the sweep."""
    k, r = np.arange(1.0, config.modes + 1), 1.0
    duration = math.log(config.sigma_0 / config.last) / r
    course = annealing.exponential(config.sigma_0, config.last, duration)
    rows = []
    kernels = every_kernel(1.0, _ALPHA).items()
    for (name, kernel), d, share in itertools.product(kernels, _DIMENSIONS, (0.25, 0.5, 1.0)):
        sigma = config.sigma_0 * math.exp(-r * share * duration)
        expected = annealing.annealing_law(kernel, d, k, config.sigma_0, sigma, r)
        found = annealing.accumulated(course, rate_of(kernel, d), k, share * duration)
        rows.append((name, d, share, float(np.max(np.abs(found - expected)) * r)))
    return Law(max(error for *_, error in rows), rows)


def lower_bound(config: AblateScheduleConfig) -> LowerBound:
    """The condition, and the optimum over the bound."""
    k, level = np.arange(1.0, config.modes + 1), math.log(1 / config.epsilon)
    bound = optimal_schedule.lower_bound(config.modes, config.epsilon)
    rows = []
    for (name, kernel), d in itertools.product(every_kernel(1.0, _ALPHA).items(), _DIMENSIONS):
        rate = rate_of(kernel, d)
        total = optimal_schedule.dual_sum(rate, _DUAL_MODES)
        time = measured_time(optimal_schedule.optimal(rate, k, 0.05 / config.modes, 20.0), rate, k, config.epsilon)
        exponential = comparison.best_sweep(annealing.exponential, rate, k, level, config.sigma_0, config.last)[0]
        rows.append((name, d, total, time, time / bound, exponential))
    return LowerBound(
        max(total for _, _, total, *_ in rows),
        optimal_schedule.dual_sum(optimal_schedule.oscillating_rate, _DUAL_MODES),
        min(over for *_, over, _ in rows),
        {f"{name}_{d}d": over for name, d, _, _, over, _ in rows},
        {f"{name}_{d}d": exponential for name, d, *_, exponential in rows},
        rows,
    )
