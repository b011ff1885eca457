"""Schedules over one sweep of the bandwidth, and whether the order of the bandwidths matters (§6.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table
from drift_cli.theory import annealing, occupation, optimal_schedule
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS
from drift_cli.theory.theorem62 import gaussian_rate

_ORDER_MODES = 10  # modes of the full equation, how long it runs, and the amplitudes that each mode starts with
_ORDER_TIME = 20.0
_AMPLITUDES = (1e-4, 1e-3, 1e-2, 0.05)


@dataclass(frozen=True)
class Sweeps(Measured):
    """By schedule: log₁₀ Σ|η_k|², 0 at the start, at the end of the sweep and held as long again; and how it goes.

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


@dataclass(frozen=True)
class Order(Measured):
    """Annealing down against up and against the mixture of the same bandwidths: of decays, in the linear theory.

    And of total errors in the full equation, by the amplitude at the start: the largest |ratio to the mixture − 1|,
    and that of the mixture to the linear theory.
    """

    multi_scale_equivalence_error: float
    order_of_bandwidths_matters: dict[str, float]
    order_of_bandwidths_linear_error: dict[str, float]
    errors: Table

    def tables(self) -> dict[str, Table]:
        return {"order_of_bandwidths": {"amplitude": _AMPLITUDES, **self.errors}}


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
    left = {name: annealing.accumulated(course, gaussian_rate, k, horizon) for name, course in every.items()}
    earliest = _exponential_earliest(config.modes, config.sigma_0, config.last)
    return Sweeps(
        {name: float(error[100]) for name, error in errors.items()},
        {name: float(error[200]) for name, error in errors.items()},
        float((left["exponential"] >= np.maximum(left["linear"], left["cosine"])).mean()),
        float(earliest.mean()) if len(earliest) else None,
        times,
        {name: course.at(times) for name, course in every.items()},
        errors,
        k,
        left,
    )


def _exponential_earliest(modes: int, sigma_0: float, sigma_min: float) -> np.ndarray:
    """For each mode: whether the exponential sweep is the first of the three to come down to σ = √2/k.

    Modes that are past it at the start, or come to it at the very end as all three do, are left out.
    """
    sigma = math.sqrt(2) / np.arange(1.0, modes + 1)
    sigma = sigma[(sigma < sigma_0) & (sigma > sigma_min * (1 + 1e-12))]
    times = {name: annealing.activation_times(name, sigma, sigma_0, sigma_min, 1.0) for name in SWEEPS}
    return times["exponential"] <= np.minimum(times["linear"], times["cosine"])


def order(config: AblateScheduleConfig) -> Order:
    """In the linear theory the order does not matter; in the full equation it may be."""
    k, sweep = np.arange(1.0, config.modes + 1), (config.sigma_0, config.last)
    bandwidths = np.geomspace(config.sigma_0, min(config.sigma_0, math.sqrt(2) / _ORDER_MODES), 32)
    found = {
        f"amplitude_{each:g}": occupation.order_matters(_ORDER_MODES, each, bandwidths, _ORDER_TIME, config.seeds[0])
        for each in _AMPLITUDES
    }
    return Order(
        comparison.multi_scale_error(gaussian_rate, k, *sweep, math.log(config.sigma_0 / config.last)),
        {at: max(abs(each[name] / each["mixture"] - 1) for name in ("down", "up")) for at, each in found.items()},
        {at: abs(each["mixture"] / each["linear"] - 1) for at, each in found.items()},
        {name: [each[name] for each in found.values()] for name in ("down", "up", "mixture", "linear")},
    )
