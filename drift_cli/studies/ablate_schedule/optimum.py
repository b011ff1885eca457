r"""The time-optimal schedule compared with the lower bound: no schedule brings the modes 1 … K to ε in less than
ln(1/ε)H_K.

That is ours, for kernels whose rates meet the condition of `theory/optimal_schedule.py`, as the Gaussian's do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table
from drift_cli.theory import optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, Modes, Rate
from drift_cli.theory.optimal_schedule import Staircase
from drift_cli.theory.theorem62 import gaussian_rate

_MODES = (5, 10, 30, 100, 300)  # K along which the times of the schedules are drawn
_JUST_OVER = 1 + 1e-9  # of a staircase's own time, so that rounding does not leave the slowest mode short of ε


@dataclass(frozen=True)
class Optimum(Measured):
    """Times to reduce every mode by ε: lower bound, optimum, and each family at its best duration.

    `time` is at the settings' K, as its ratios are; the largest (`max`) and the least are over every K of `modes`.
    """

    time: dict[str, float]
    exponential_over_other_times: dict[str, float]  # over the better of linear and cosine
    optimal_over_lower_bound: float
    optimal_over_lower_bound_least: float
    exponential_over_optimal: float
    linear_over_optimal: float
    constant_over_optimal: float
    modes: list[int]
    times: dict[str, np.ndarray]
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


def optimum(config: AblateScheduleConfig) -> Optimum:
    """The times against K, the optimum as a staircase, and the mean rate that it gives each frequency."""
    modes = sorted({config.modes, *(m for m in _MODES if math.sqrt(2) / m < config.sigma_0)})
    found = {m: optimal_schedule.optimal(gaussian_rate, np.arange(1.0, m + 1), 0.3 / m, 5.0) for m in modes}
    every = [_times(config, m, stairs) for m, stairs in found.items()]
    here, stairs = every[modes.index(config.modes)], found[config.modes]
    frequencies = np.geomspace(0.5, 2 * config.modes, 400)
    return Optimum(
        here,
        {"max": max(each["exponential"] / min(each["linear"], each["cosine"]) for each in every)},
        here["optimal"] / here["lower_bound"],
        min(each["optimal"] / each["lower_bound"] for each in every),
        here["exponential"] / here["optimal"],
        here["linear"] / here["optimal"],
        here["constant"] / here["optimal"],
        modes,
        {name: np.array([each[name] for each in every]) for name in here},
        stairs,
        frequencies,
        gaussian_rate(stairs.bandwidths * frequencies[:, None]) * stairs.shares,
    )


def _times(config: AblateScheduleConfig, modes: int, stairs: Staircase) -> dict[str, float]:
    """The lower bound, then the measured times of the staircase, of each family at its best, and of one bandwidth."""
    k, level = np.arange(1.0, modes + 1), math.log(1 / config.epsilon)
    sigma_min = config.last if modes == config.modes else math.sqrt(2) / modes
    return {
        "lower_bound": optimal_schedule.lower_bound(modes, config.epsilon),
        "optimal": measured_time(stairs, gaussian_rate, k, config.epsilon),
        **{
            name: comparison.best_sweep(shape, gaussian_rate, k, level, config.sigma_0, sigma_min)[0]
            for name, shape in SWEEPS.items()
        },
        "constant": level / comparison.best_constant(gaussian_rate, k, 0.3 / modes, 5.0)[1],
    }


def measured_time(stairs: Staircase, rate: Rate, k: Modes, epsilon: float) -> float:
    """When the last of the modes is down to ε under the staircase of just the time that it says to need."""
    return comparison.time_needed(stairs.course(stairs.time(epsilon) * _JUST_OVER), rate, k, math.log(1 / epsilon))
