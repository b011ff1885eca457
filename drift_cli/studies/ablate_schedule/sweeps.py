r"""Of `drift ablate-schedule`: schedules over one sweep, and what annealing does at all in the linear theory (§6.2).

The annealing law $\Lambda_k = [h(\sigma k) - h(\sigma_0k)]/r$ of every kernel (ours) by quadrature, the multi-scale
drift that collects the same, and how far the full equation, in which the order of the bandwidths may matter, is from
both.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from drift_cli.studies.ablate_schedule import figures
from drift_cli.studies.ablate_schedule.kernels import DIMENSIONS, KERNELS, rate_of, spectrum_of
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.study import Study
from drift_cli.theory import annealing, occupation, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, gaussian_rate

_ORDER_MODES = 10  # modes of the full equation, how long it runs, and the amplitudes that each mode starts with
_ORDER_TIME = 20.0
_AMPLITUDES = (1e-4, 1e-3, 1e-2, 0.05)


def sweep(config: AblateScheduleConfig, s: Study) -> None:
    """Bandwidth, total error and each mode's error of every schedule, over the sweep and held as long again."""
    k = np.arange(1.0, config.modes + 1)
    stairs = optimal_schedule.optimal(gaussian_rate, k, config.last, config.sigma_0)
    every = comparison.courses(gaussian_rate, config.modes, config.sigma_0, config.last, config.horizon, stairs)
    times = np.linspace(0, 2 * config.horizon, 201)
    rows: dict[str, list[np.ndarray]] = {"bandwidth": [], "log_error": [], "decay": []}
    for name, course in every.items():
        decay = np.array([annealing.accumulated(course, gaussian_rate, k, time) for time in times])
        rows["bandwidth"].append(course.at(times))
        rows["log_error"].append(np.array([annealing.log_error(row, k, 0.0) for row in decay]) / math.log(10))
        rows["decay"].append(annealing.accumulated(course, gaussian_rate, k, config.horizon))
        s.summary[f"log10_error_end.{name}"] = float(rows["log_error"][-1][100])
        s.summary[f"log10_error_held.{name}"] = float(rows["log_error"][-1][200])
    names = list(every)
    for what in ("bandwidth", "log_error"):
        s.curves(f"sweep_{what}", {"time": times, **dict(zip(names, rows[what], strict=True))})
    decays = dict(zip(names, rows["decay"], strict=True))
    s.curves("sweep_modes", {"mode": k, **decays})
    least_left = decays["exponential"] >= np.maximum(decays["linear"], decays["cosine"])
    s.summary["exponential_least_left_fraction"] = float(least_left.mean())
    earliest = _exponential_earliest(config.modes, config.sigma_0, config.last)
    if len(earliest):
        s.summary["activation_earliest_fraction"] = float(earliest.mean())
    columns = {what: dict(zip(names, values, strict=True)) for what, values in rows.items()}
    folder = s.path / "figures"
    s.figures.append(figures.sweeps(times, k, columns, config.horizon, math.log(1 / config.epsilon), folder))


def _exponential_earliest(modes: int, sigma_0: float, sigma_min: float) -> np.ndarray:
    """For each mode: whether the exponential sweep is the first of the three to come down to σ = √2/k.

    Modes that are past it at the start, or come to it at the very end as all three do, are left out.
    """
    sigma = math.sqrt(2) / np.arange(1.0, modes + 1)
    sigma = sigma[(sigma < sigma_0) & (sigma > sigma_min * (1 + 1e-12))]
    times = {name: annealing.activation_times(name, sigma, sigma_0, sigma_min, 1.0) for name in SWEEPS}
    return times["exponential"] <= np.minimum(times["linear"], times["cosine"])


def laws(config: AblateScheduleConfig, s: Study) -> None:
    """The annealing law of every kernel by quadrature; annealing against the multi-scale drift."""
    k, r = np.arange(1.0, config.modes + 1), 1.0
    duration = math.log(config.sigma_0 / config.last) / r
    rows = []
    for (name, kernel), d in itertools.product(KERNELS.items(), DIMENSIONS):
        course = annealing.exponential(config.sigma_0, config.last, duration)
        for share in (0.25, 0.5, 1.0):
            sigma = config.sigma_0 * math.exp(-r * share * duration)
            law = annealing.annealing_law(spectrum_of(kernel, d), k, config.sigma_0, sigma, r)
            found = annealing.accumulated(course, rate_of(kernel, d), k, share * duration)
            rows.append((name, d, share, float(np.max(np.abs(found - law)) * r)))
    s.rows("annealing_law", ("kernel", "dimension", "share_of_sweep", "error"), rows)
    s.summary["annealing_law_error"] = max(row[-1] for row in rows)
    s.summary["multi_scale_equivalence_error"] = comparison.multi_scale_error(
        gaussian_rate, k, config.sigma_0, config.last, duration
    )
    _orders(config, s)


def _orders(config: AblateScheduleConfig, s: Study) -> None:
    """The full equation: total error after annealing down, up, and the mixture, by the amplitude of the start."""
    bandwidths = np.geomspace(config.sigma_0, min(config.sigma_0, math.sqrt(2) / _ORDER_MODES), 32)
    found = [
        occupation.order_matters(_ORDER_MODES, amplitude, bandwidths, _ORDER_TIME, config.seeds[0])
        for amplitude in _AMPLITUDES
    ]
    columns = {name: [each[name] for each in found] for name in found[0]}
    s.curves("order_of_bandwidths", {"amplitude": _AMPLITUDES, **columns})
    for amplitude, each in zip(_AMPLITUDES, found, strict=True):
        spread = max(abs(each[name] / each["mixture"] - 1) for name in ("down", "up"))
        s.summary[f"order_of_bandwidths_matters.amplitude_{amplitude:g}"] = spread
        s.summary[f"order_of_bandwidths_linear_error.amplitude_{amplitude:g}"] = abs(
            each["mixture"] / each["linear"] - 1
        )
