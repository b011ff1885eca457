"""Bandwidth schedules against each other in the linear theory (Turan & Ovsjanikov, App. F; what is added is ours)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from drift_cli.theory import annealing
from drift_cli.theory.annealing import SWEEPS, Course, Modes, Rate, accumulated, crossing_times
from drift_cli.theory.optimal_schedule import Staircase, optimal

CONTESTANTS = (*SWEEPS, "constant", "optimal")


def time_needed(course: Course, rate: Rate, k: Modes, level: float) -> float:
    """max_k T_k: when the last of the modes has collected the decay `level`; infinite where one never does."""
    return float(crossing_times(course, rate, k, level).max())


def best_sweep(shape: Callable[[float, float, float], Course], rate: Rate, k: Modes, level: float, sigma_0: float,
               sigma_min: float) -> tuple[float, float]:  # fmt: skip
    """The time that the shape needs at its best duration of the sweep (the last bandwidth is held), and that duration.

    The time is not convex in the duration, so a grid finds the valley and Brent's method its bottom.
    """

    def time(log_duration: float) -> float:
        return time_needed(shape(sigma_0, sigma_min, math.exp(log_duration)), rate, k, level)

    low = math.log(0.1 * level)
    logs = np.linspace(low, math.log(100 * level * len(k)), 40)
    valley = logs[int(np.argmin([time(log) for log in logs]))]
    step = logs[1] - logs[0]
    found = minimize_scalar(time, bounds=(valley - step, valley + step), method="bounded", options={"xatol": 1e-6})
    return float(found.fun), math.exp(found.x)


def best_constant(rate: Rate, k: Modes, smallest: float, largest: float) -> tuple[float, float]:
    r"""$\arg\max_\sigma\min_k\lambda(\sigma k)$ over 2,000 bandwidths on a logarithmic scale, and that rate."""
    grid = np.geomspace(smallest, largest, 2000)
    slowest = rate(grid[None, :] * k[:, None]).min(axis=0)
    at = int(np.argmax(slowest))
    return float(grid[at]), float(slowest[at])


@dataclass(frozen=True)
class Contest:
    """A sweep from σ₀ to σ_min over a horizon, for modes 1 … K of which mode k starts with energy ∝ k^(−spectrum)."""

    modes: int
    sigma_0: float
    sigma_min: float
    horizon: float
    spectrum: float


def courses(rate: Rate, modes: int, sigma_0: float, sigma_min: float, horizon: float, stairs: Staircase
            ) -> dict[str, Course]:  # fmt: skip
    """Every contestant over the same bandwidths and horizon; the constant is the best in that range."""
    k = np.arange(1.0, modes + 1)
    sweeps = {name: shape(sigma_0, sigma_min, horizon) for name, shape in SWEEPS.items()}
    constant = annealing.constant(best_constant(rate, k, sigma_min, sigma_0)[0], horizon)
    return {**sweeps, "constant": constant, "optimal": stairs.course(horizon)}


@dataclass(frozen=True)
class Compared:
    """Logarithms of the total error of each contestant at the end of the sweep, and one held horizon later."""

    setting: Contest
    at_end: dict[str, float]
    held: dict[str, float]


def compare(rate: Rate, modes: int, sigma_0: float, sigma_min: float, horizons: list[float], spectra: list[float]
            ) -> list[Compared]:  # fmt: skip
    """Total errors of every contestant, for every horizon and within it for every spectrum."""
    k = np.arange(1.0, modes + 1)
    stairs = optimal(rate, k, sigma_min, sigma_0)
    found = []
    for horizon in horizons:
        every = courses(rate, modes, sigma_0, sigma_min, horizon, stairs)
        end = {name: accumulated(course, rate, k, horizon) for name, course in every.items()}
        held = {name: accumulated(course, rate, k, 2 * horizon) for name, course in every.items()}
        for spectrum in spectra:
            errors = [{name: annealing.log_error(d, k, spectrum) for name, d in part.items()} for part in (end, held)]
            found.append(Compared(Contest(modes, sigma_0, sigma_min, horizon, spectrum), errors[0], errors[1]))
    return found


def integrated(bandwidth: Callable[[float], float], rate: Rate, k: Modes, duration: float) -> Modes:
    """Λ_k by an adaptive Runge–Kutta method on the mode equations, which knows nothing of occupation."""
    found = solve_ivp(
        lambda t, _: rate(bandwidth(t) * k), (0, duration), np.zeros(len(k)), method="DOP853", rtol=1e-12, atol=1e-14
    )
    decay: Modes = found.y[:, -1]
    return decay


def multi_scale_error(rate: Rate, k: Modes, sigma_0: float, sigma_min: float, duration: float) -> float:
    """Largest difference in decay between annealing down, annealing up, and the equivalent multi-scale drift.

    The last is Σ w_j V_σj at 64 fixed bandwidths, w_j the share of the time that annealing spends near σ_j
    (Gauss–Legendre nodes of the time, whose weights are those shares). Relative to the largest decay.
    """
    down = annealing.exponential(sigma_0, sigma_min, duration)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    bandwidths = down.bandwidth(duration * (1 + nodes) / 2)
    mixture = duration * (rate(bandwidths * k[:, None]) @ (weights / 2))
    first = integrated(lambda t: float(down.bandwidth(np.array(t))), rate, k, duration)
    second = integrated(lambda t: float(down.bandwidth(np.array(duration - t))), rate, k, duration)
    both = [np.abs(first - mixture), np.abs(second - mixture)]
    return float(np.max(both) / np.max(np.abs(mixture)))
