r"""Of `drift ablate-schedule`: the time-optimal schedule beside the lower bound, and that bound for every kernel.

No schedule brings the modes 1 … K to ε in less than $\ln(1/\varepsilon)H_K$ (ours), where the kernel's rates meet the
condition of `theory/optimal_schedule.py`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from drift_cli.studies.ablate_schedule import figures
from drift_cli.studies.ablate_schedule.kernels import DIMENSIONS, KERNELS, rate_of
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.study import Study
from drift_cli.theory import annealing, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, gaussian_rate
from drift_cli.theory.optimal_schedule import Staircase

_MODES = (5, 10, 30, 100, 300)  # K along which the times of the schedules are drawn
_DUAL_MODES = 2000  # of the sum that the lower bound's condition is about
_JUST_OVER = 1 + 1e-9  # of a staircase's own time, so that rounding does not leave the slowest mode short of ε


def time_optimal(config: AblateScheduleConfig, s: Study) -> None:
    """Times to reduce every mode by ε against K: lower bound, optimum, and each family at its best duration."""
    stairs, times = {}, {}
    for modes in sorted({config.modes, *(m for m in _MODES if math.sqrt(2) / m < config.sigma_0)}):
        stairs[modes] = optimal_schedule.optimal(gaussian_rate, np.arange(1.0, modes + 1), 0.3 / modes, 5.0)
        times[modes] = _times(config, modes, stairs[modes])
    s.rows("times", ("modes", *times[config.modes]), [(modes, *each.values()) for modes, each in times.items()])
    _summarise(config, s, times)
    found = stairs[config.modes]
    s.curves("staircase", {"bandwidth": found.bandwidths, "share_of_time": found.shares})
    _draw(config, s, found, times)


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


def _summarise(config: AblateScheduleConfig, s: Study, times: dict[int, dict[str, float]]) -> None:
    """The times at the settings' K, and the ratios of them."""
    s.summary["exponential_over_other_times.max"] = max(
        each["exponential"] / min(each["linear"], each["cosine"]) for each in times.values()
    )
    here = times[config.modes]
    s.summary |= {f"time.{name}": time for name, time in here.items()}
    s.summary["optimal_over_lower_bound"] = here["optimal"] / here["lower_bound"]
    s.summary["optimal_over_lower_bound_least"] = min(each["optimal"] / each["lower_bound"] for each in times.values())
    for name in ("exponential", "linear", "constant"):
        s.summary[f"{name}_over_optimal"] = here[name] / here["optimal"]


def _draw(config: AblateScheduleConfig, s: Study, found: Staircase, times: dict[int, dict[str, float]]) -> None:
    """The staircase, the mean rate that it gives each mode, and the times against K."""
    k = np.geomspace(0.5, 2 * config.modes, 400)
    each = gaussian_rate(found.bandwidths * k[:, None]) * found.shares
    s.curves(
        "staircase_rates", {"frequency": k, **{f"sigma_{b:.4g}": each[:, j] for j, b in enumerate(found.bandwidths)}}
    )
    duration, folder = found.time(config.epsilon), s.path / "figures"
    by_name = {name: np.array([at[name] for at in times.values()]) for name in times[config.modes]}
    s.figures.append(figures.optimum(found, duration, k, each, config.modes, np.array(list(times)), by_name, folder))


def every_kernel(config: AblateScheduleConfig, s: Study) -> None:
    """For every kernel: the condition of the lower bound, and the optimum over the bound where it holds."""
    k, level = np.arange(1.0, config.modes + 1), math.log(1 / config.epsilon)
    rows = []
    for (name, kernel), d in itertools.product(KERNELS.items(), DIMENSIONS):
        rate = rate_of(kernel, d)
        total = optimal_schedule.dual_sum(rate, _DUAL_MODES)
        found = optimal_schedule.optimal(rate, k, 0.05 / config.modes, 20.0)
        course = found.course(found.time(config.epsilon) * _JUST_OVER)
        measured = comparison.time_needed(course, rate, k, level)
        exponential = comparison.best_sweep(annealing.exponential, rate, k, level, config.sigma_0, config.last)[0]
        rows.append((name, d, total, measured, measured / optimal_schedule.lower_bound(config.modes, config.epsilon),
                     exponential))  # fmt: skip
    names = ("kernel", "dimension", "dual_sum", "time_optimal", "optimal_over_lower_bound", "time_exponential")
    s.rows("kernels", names, rows)
    s.summary["lower_bound_condition"] = max(row[2] for row in rows)
    s.summary["lower_bound_condition_control"] = optimal_schedule.dual_sum(
        optimal_schedule.oscillating_rate, _DUAL_MODES
    )
    s.summary["optimal_over_lower_bound_least_kernel"] = min(row[4] for row in rows)
    for name, d, _, _, over, exponential in rows:
        s.summary[f"optimal_over_lower_bound.{name}_{d}d"] = over
        s.summary[f"time_exponential.{name}_{d}d"] = exponential
