r"""The time-optimal schedule beside the lower bound, and that bound for every kernel.

No schedule brings the modes 1 … K to ε in less than $\ln(1/\varepsilon)H_K$ (ours), where the kernel's rates meet the
condition of `theory/optimal_schedule.py`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.kernels import DIMENSIONS, KERNELS
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import annealing, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, rate_of
from drift_cli.theory.optimal_schedule import Staircase
from drift_cli.theory.theorem62 import gaussian_rate

_MODES = (5, 10, 30, 100, 300)  # K along which the times of the schedules are drawn
_DUAL_MODES = 2000  # of the sum that the lower bound's condition is about
_JUST_OVER = 1 + 1e-9  # of a staircase's own time, so that rounding does not leave the slowest mode short of ε


@dataclass(frozen=True)
class Optimum(Measured):
    """Times to reduce every mode by ε: lower bound, optimum, and each family at its best duration.

    `time` at the settings' K, with its ratios; the `.max` and the `_least` are over every K.
    """

    time: dict[str, float]
    exponential_over_other_times: dict[str, float]  # over the better of linear and cosine
    optimal_over_lower_bound: float
    optimal_over_lower_bound_least: float
    exponential_over_optimal: float
    linear_over_optimal: float
    constant_over_optimal: float
    modes: list[int]
    times: dict[str, np.ndarray]  # at each of `modes`
    stairs: Staircase
    frequencies: np.ndarray
    rates: np.ndarray  # [frequency, bandwidth], each bandwidth's part of the mean rate

    def tables(self) -> dict[str, Table]:
        parts = {f"sigma_{b:.4g}": rate for b, rate in zip(self.stairs.bandwidths, self.rates.T, strict=True)}
        return {
            "times": {"modes": self.modes, **self.times},
            "staircase": {"bandwidth": self.stairs.bandwidths, "share_of_time": self.stairs.shares},
            "staircase_rates": {"frequency": self.frequencies, **parts},
        }


@dataclass(frozen=True)
class LowerBound(Measured):
    """The condition of the lower bound is that a kernel's sum Σ_k λ(σk)/k is at most 1; the optimum over the bound.

    By kernel and dimension, `gaussian_1d`, and the time of the best exponential sweep.
    """

    lower_bound_condition: float  # the largest sum, and that of a kernel that fails it
    lower_bound_condition_control: float
    optimal_over_lower_bound_least_kernel: float
    optimal_over_lower_bound: dict[str, float]
    time_exponential: dict[str, float]
    rows: list[tuple[str, int, float, float, float, float]]

    def tables(self) -> dict[str, Table]:
        names = ("kernel", "dimension", "dual_sum", "time_optimal", "optimal_over_lower_bound", "time_exponential")
        return {"kernels": columns(names, self.rows)}


def time_optimal(config: AblateScheduleConfig) -> Optimum:
    """The times against K, the optimum as a staircase, and the mean rate that it gives each frequency."""
    modes = sorted({config.modes, *(m for m in _MODES if math.sqrt(2) / m < config.sigma_0)})
    found = {m: optimal_schedule.optimal(gaussian_rate, np.arange(1.0, m + 1), 0.3 / m, 5.0) for m in modes}
    every = [_times(config, m, stairs) for m, stairs in found.items()]
    here, stairs = every[modes.index(config.modes)], found[config.modes]
    frequencies = np.geomspace(0.5, 2 * config.modes, 400)
    return Optimum(
        time=here,
        exponential_over_other_times={
            "max": max(each["exponential"] / min(each["linear"], each["cosine"]) for each in every)
        },
        optimal_over_lower_bound=here["optimal"] / here["lower_bound"],
        optimal_over_lower_bound_least=min(each["optimal"] / each["lower_bound"] for each in every),
        exponential_over_optimal=here["exponential"] / here["optimal"],
        linear_over_optimal=here["linear"] / here["optimal"],
        constant_over_optimal=here["constant"] / here["optimal"],
        modes=modes,
        times={name: np.array([each[name] for each in every]) for name in here},
        stairs=stairs,
        frequencies=frequencies,
        rates=gaussian_rate(stairs.bandwidths * frequencies[:, None]) * stairs.shares,
    )


def _times(config: AblateScheduleConfig, modes: int, stairs: Staircase) -> dict[str, float]:
    """The lower bound, then the measured times of the staircase, of each family at its best, and of one bandwidth."""
    k, level = np.arange(1.0, modes + 1), math.log(1 / config.epsilon)
    sigma_min = config.last if modes == config.modes else math.sqrt(2) / modes
    course = stairs.course(stairs.time(config.epsilon) * _JUST_OVER)
    return {
        "lower_bound": optimal_schedule.lower_bound(modes, config.epsilon),
        "optimal": comparison.time_needed(course, gaussian_rate, k, level),
        **{
            name: comparison.best_sweep(shape, gaussian_rate, k, level, config.sigma_0, sigma_min)[0]
            for name, shape in SWEEPS.items()
        },
        "constant": level / comparison.best_constant(gaussian_rate, k, 0.3 / modes, 5.0)[1],
    }


def every_kernel(config: AblateScheduleConfig) -> LowerBound:
    """For every kernel: the condition of the lower bound, and the optimum over the bound where it holds."""
    k, level = np.arange(1.0, config.modes + 1), math.log(1 / config.epsilon)
    bound = optimal_schedule.lower_bound(config.modes, config.epsilon)
    rows = []
    for (name, kernel), d in itertools.product(KERNELS.items(), DIMENSIONS):
        rate = rate_of(kernel, d)
        found = optimal_schedule.optimal(rate, k, 0.05 / config.modes, 20.0)
        course = found.course(found.time(config.epsilon) * _JUST_OVER)
        measured = comparison.time_needed(course, rate, k, level)
        exponential = comparison.best_sweep(annealing.exponential, rate, k, level, config.sigma_0, config.last)[0]
        total = optimal_schedule.dual_sum(rate, _DUAL_MODES)
        rows.append((name, d, total, measured, measured / bound, exponential))
    return LowerBound(
        max(total for _, _, total, *_ in rows),
        optimal_schedule.dual_sum(optimal_schedule.oscillating_rate, _DUAL_MODES),
        min(over for *_, over, _ in rows),
        {f"{name}_{d}d": over for name, d, _, _, over, _ in rows},
        {f"{name}_{d}d": exponential for name, d, *_, exponential in rows},
        rows,
    )
