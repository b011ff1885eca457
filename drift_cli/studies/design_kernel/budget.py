r"""The budget $\int\lambda\,d\log\xi = 1$ of every kernel, what follows for the time, and how each family spends it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.integrate import simpson

from drift_cli.kernels import Gaussian, Laplace, Matern52, Spectral
from drift_cli.kernels.designed import Designed
from drift_cli.studies.design_kernel.contenders import Contender, contenders
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import annealing, rates, torus_flow
from drift_cli.theory.optimal_schedule import dual_sum, lower_bound
from drift_cli.theory.schedule_comparison import best_sweep
from drift_cli.theory.torus_flow import Torus

_POINTS = 2048  # of the circle: the exponential kernel's cusp costs less than 1e-3 of a rate
_OCTAVES = 7  # of frequency that are measured, each at `_PER_OCTAVE` bandwidths
_PER_OCTAVE = 4
_LOWEST = 0.05  # bandwidth times frequency, from which on it is measured
_AMPLITUDE, _HORIZON, _STEPS = 1e-4, 1.0, 20
_PLANE, _PLANE_MODES = 96, 6


@dataclass(frozen=True)
class Times(Measured):
    """How long each family takes until the modes 1 … K have fallen to ε, in d dimensions."""

    time: dict[str, float]
    over_bound: dict[str, float]
    level: float  # the fastest over the slowest mode of the optimal design


@dataclass(frozen=True)
class Budget(Measured):
    """`spent`: ∫ λ d log ξ in closed form. `measured`: the same of the nonlinear equation on the circle."""

    budget_spent: dict[str, float]
    budget_measured: dict[str, float]
    budget_error: float
    dual_sum_largest: float
    times: dict[str, Times]
    time_over_bound_least: float
    optimal_over_bound: float
    optimal_level: float
    level_measured_error: float  # of the optimal design's rates in the nonlinear equation, in one dimension and in two
    level_measured: float
    level_of_another_dimension: float  # the design of one dimension used in two

    rows: list[tuple] = field(default_factory=list)

    def tables(self) -> dict[str, Table]:
        return {"times": columns(("modes", "d", "family", "bandwidth", "time", "over_bound"), self.rows)}


def budget(config: DesignKernelConfig) -> Budget:
    rows, times, sums = [], {}, []
    for modes in config.modes:
        for d in config.dimensions:
            every = contenders(modes, d)
            found = _times(config, every, modes, d)
            times[f"{modes}.{d}d"] = found
            widths = {name: each.bandwidth for name, each in every.items()}
            rows += [
                (modes, d, name, widths.get(name, math.nan), time, found.over_bound[name])
                for name, time in found.time.items()
            ]
            if modes == config.modes[0]:
                sums += [dual_sum(_scaled(each), modes) for each in every.values()]
    spent = {name: _integral(each) for name, each in contenders(config.modes[0], 2).items()}
    measured = {name: _measured(kernel) for name, kernel in _on_the_circle().items()}
    error, level, other = _level()
    return Budget(
        budget_spent=spent,
        budget_measured=measured,
        budget_error=max(abs(value - 1) for value in [*spent.values(), *measured.values()]),
        dual_sum_largest=max(sums),
        times=times,
        time_over_bound_least=min(value for each in times.values() for value in each.over_bound.values()),
        optimal_over_bound=max(each.over_bound["optimal"] for name, each in times.items()),
        optimal_level=max(each.level for each in times.values()),
        level_measured_error=error,
        level_measured=level,
        level_of_another_dimension=other,
        rows=rows,
    )  # fmt: skip


def _times(config: DesignKernelConfig, every: dict[str, Contender], modes: int, d: int) -> Times:
    k, level = np.arange(1.0, modes + 1), math.log(1 / config.epsilon)
    time = {name: level / float(each.rate(k).min()) for name, each in every.items()}
    rate = annealing.rate_of(Gaussian(1.0), d)
    time["annealing"] = best_sweep(annealing.exponential, rate, k, level, config.sigma0, math.sqrt(2) / modes)[0]
    bound = lower_bound(modes, config.epsilon)
    optimal = every["optimal"].rate(k)
    over = {name: value / bound for name, value in time.items()}
    return Times(time, over, float(optimal.max() / optimal.min()))


def _scaled(each: Contender) -> annealing.Rate:
    return lambda u: each.rate(u / each.bandwidth)


def _integral(each: Contender) -> float:
    logs = np.linspace(math.log(1e-12), math.log(1e8), 20_001)
    return float(simpson(each.rate(np.exp(logs)), x=logs))


def _on_the_circle() -> dict[str, Spectral]:
    """At bandwidth 1, those whose tails can be summed over the circle's images."""
    return {
        "gaussian": Gaussian(1.0),
        "laplace": Laplace(1.0),
        "matern52": Matern52(1.0),
        "optimal": Designed.from_settings(1.0, 8, 1.0, "optimal"),
        "log_uniform": Designed.from_settings(1.0, 8, 1.0, "log_uniform"),
    }


def _measured(kernel: Spectral) -> float:
    """The sum of measured rates over even steps of log(bandwidth · mode); the ends beyond them by the spectrum."""
    modes, total = 2 ** np.arange(_OCTAVES), 0.0
    step = math.log(2) / _PER_OCTAVE
    for part in range(_PER_OCTAVE):
        total += step * _rates(kernel.scaled(_LOWEST * 2 ** (part / _PER_OCTAVE)), 1, _POINTS, modes).sum()
    low = _LOWEST * math.exp(-step / 2)
    ends = kernel.spectrum(np.array([low, low * 2**_OCTAVES]), 1)
    return float(total + 1 - ends[0] + ends[1])


def _rates(kernel: Spectral, d: int, points: int, modes: np.ndarray) -> np.ndarray:
    """Of the nonlinear equation, along the first axis."""
    torus = Torus(points, d)
    vectors = np.zeros((len(modes), d), dtype=int)
    vectors[:, 0] = modes
    velocity = torus_flow.drift(torus_flow.periodic(kernel, torus), np.full((points,) * d, torus_flow.PERIOD**-d))
    decay = torus_flow.follow(torus, velocity, vectors, _AMPLITUDE, _HORIZON, _STEPS)
    return rates.decay(decay.times, decay.amplitudes)[0]


def _level() -> tuple[float, float, float]:
    """Largest relative error of the rates, fastest over slowest in the plane, and that of a design of another d."""
    errors, modes = [], np.arange(1, _PLANE_MODES + 1)
    width, spans = math.sqrt(2) / _PLANE_MODES, {}
    for made, used in ((1, 1), (2, 2), (1, 2)):
        kernel = Designed.from_settings(width, _PLANE_MODES, float(made), "optimal")
        found = _rates(kernel, used, _PLANE if used == 2 else 512, modes)
        errors.append(float(np.max(np.abs(found / kernel.rate(modes.astype(float), used) - 1))))
        spans[made, used] = float(found.max() / found.min())
    return max(errors), spans[2, 2], spans[1, 2]
