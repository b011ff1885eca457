"""Schedules over one sweep of the bandwidth, in the linear theory (§6.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table
from drift_cli.theory import annealing, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS
from drift_cli.theory.theorem62 import gaussian_rate


@dataclass(frozen=True)
class Sweeps(Measured):
    """By schedule: log₁₀ Σ|η_k|², 1 at the start, at the end of the sweep and held as long again; and how it goes.

    The fractions are of the modes: of which the exponential sweep leaves the least, and which it activates first, of
    exponential, linear and cosine.
    """

    log10_error_end: dict[str, float]
    log10_error_held: dict[str, float]
    exponential_least_left_fraction: float
    activation_earliest_fraction: float | None
    times: np.ndarray
    bandwidth: dict[str, np.ndarray]  # at `times`
    log_error: dict[str, np.ndarray]  # at `times`, to base 10
    modes: np.ndarray
    decay: dict[str, np.ndarray]  # Λ of `modes` at the end of the sweep

    def tables(self) -> dict[str, Table]:
        return {
            "sweep_bandwidth": {"time": self.times, **self.bandwidth},
            "sweep_log_error": {"time": self.times, **self.log_error},
            "sweep_modes": {"mode": self.modes, **self.decay},
        }


def sweeps(config: AblateScheduleConfig) -> Sweeps:
    """Every schedule over the sweep, and then held at its last bandwidth as long again."""
    k, horizon = np.arange(1.0, config.modes + 1), config.horizon
    stairs = optimal_schedule.optimal(gaussian_rate, k, config.last, config.sigma_0)
    every = comparison.courses(gaussian_rate, config.modes, config.sigma_0, config.last, horizon, stairs)
    times = np.linspace(0, 2 * horizon, 201)
    errors: dict[str, np.ndarray] = {}
    for name, course in every.items():
        decays = [annealing.accumulated(course, gaussian_rate, k, time) for time in times]
        errors[name] = np.array([annealing.log_error(decay, k, 0.0) for decay in decays]) / math.log(10)
    decay = {name: annealing.accumulated(course, gaussian_rate, k, horizon) for name, course in every.items()}
    earliest = _exponential_earliest(config.modes, config.sigma_0, config.last)
    return Sweeps(
        log10_error_end={name: float(error[100]) for name, error in errors.items()},
        log10_error_held={name: float(error[200]) for name, error in errors.items()},
        exponential_least_left_fraction=float(
            (decay["exponential"] >= np.maximum(decay["linear"], decay["cosine"])).mean()
        ),
        activation_earliest_fraction=float(earliest.mean()) if len(earliest) else None,
        times=times,
        bandwidth={name: course.at(times) for name, course in every.items()},
        log_error=errors,
        modes=k,
        decay=decay,
    )


def _exponential_earliest(modes: int, sigma_0: float, sigma_min: float) -> np.ndarray:
    """For each mode: whether the exponential sweep is the first of the three to come down to σ = √2/k.

    Modes that are past it at the start, or come to it at the very end as all three do, are left out.
    """
    sigma = math.sqrt(2) / np.arange(1.0, modes + 1)
    sigma = sigma[(sigma < sigma_0) & (sigma > sigma_min * (1 + 1e-12))]
    times = {name: annealing.activation_times(name, sigma, sigma_0, sigma_min, 1.0) for name in SWEEPS}
    return times["exponential"] <= np.minimum(times["linear"], times["cosine"])
