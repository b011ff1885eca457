r"""The explicit step x ← x + ηV: how long it may be, and how many take the modes 1 … K to ε.

One step takes the mode to $(1 - \eta\lambda)$ of itself. So it is stable for $\eta < 2/\max\lambda$, and best at
$\eta = 2/(\min\lambda + \max\lambda)$ with the least over 1 … K, where the slowest and the fastest mode shrink alike.
Level rates need a few steps however many modes there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Spectral
from drift_cli.studies.design_kernel.contenders import contenders
from drift_cli.studies.design_kernel.settings import DesignKernelConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import torus_flow
from drift_cli.theory.torus_flow import Torus

_POINTS = 1024
_AMPLITUDE = 1e-6  # of each mode: what they do to each other is of its square
_MOST = 5000  # steps that are made
_STABILITY_STEPS = 40
FAMILIES = ("gaussian", "laplace", "matern52", "log_uniform", "optimal")  # whose tails a circle's images can sum


@dataclass(frozen=True)
class Steps(Measured):
    """On the circle. `steps` at the best η, predicted and as Euler steps of the nonlinear equation."""

    eta_limit: float
    eta_best: float
    steps: int
    steps_measured: int
    steps_at_one: int  # at η = 1
    growth_error: float  # of the fastest mode's factor per step just beyond the limit and just below it


@dataclass(frozen=True)
class StepSizes(Measured):
    of: dict[str, Steps]
    steps_error: float  # largest relative difference of measured from predicted numbers of steps
    growth_error: float
    gaussian_over_optimal: float  # steps at the best η, at the largest K

    def tables(self) -> dict[str, Table]:
        names = ("eta_limit", "eta_best", "steps", "steps_measured", "steps_at_one")
        rows = [(key, *(getattr(each, name) for name in names)) for key, each in self.of.items()]
        return {"steps": columns(("case", *names), rows)}


def step_sizes(config: DesignKernelConfig) -> StepSizes:
    found = {
        f"steps.{modes}.{name}": _steps(config, each.kernel, modes)
        for modes in config.step_modes
        for name, each in contenders(modes, 1).items()
        if name in FAMILIES and each.kernel is not None
    }
    last = max(config.step_modes)
    return StepSizes(
        found,
        steps_error=max(abs(each.steps_measured - each.steps) / each.steps for each in found.values()),
        growth_error=max(each.growth_error for each in found.values()),
        gaussian_over_optimal=found[f"steps.{last}.gaussian"].steps / found[f"steps.{last}.optimal"].steps,
    )


def _steps(config: DesignKernelConfig, kernel: Spectral, modes: int) -> Steps:
    every = kernel.rate(np.arange(1.0, _POINTS // 2), 1)
    slowest, fastest = float(every[:modes].min()), float(every.max())
    limit, best = 2 / fastest, 2 / (slowest + fastest)
    torus = Torus(_POINTS, 1)
    velocity = torus_flow.drift(torus_flow.periodic(kernel, torus), np.full(_POINTS, 1 / torus_flow.PERIOD))
    k = np.arange(1, modes + 1)[:, None]
    # the mode of the largest rate, one step size on either side of the limit
    top = np.array([[int(every.argmax()) + 1]])
    errors = []
    for eta in (0.9 * limit, 1.1 * limit):
        factor = _euler(torus, velocity, top, eta, _STABILITY_STEPS)[-1, 0] ** (1 / _STABILITY_STEPS)
        errors.append(abs(factor / abs(1 - eta * fastest) - 1))
    fell = _euler(torus, velocity, k, best, _MOST, config.epsilon)
    return Steps(
        limit, best, _count(config, every[:modes], best), len(fell), _count(config, every[:modes], 1.0), max(errors)
    )


def _count(config: DesignKernelConfig, rates: np.ndarray, eta: float) -> int:
    """Steps after which every mode is at ε at most."""
    shrinks = float(np.abs(1 - eta * rates).max())
    return math.ceil(math.log(config.epsilon) / math.log(shrinks) * (1 - 1e-9)) if shrinks < 1 else _MOST


def _euler(torus: Torus, velocity: torus_flow.Velocity, modes: np.ndarray, eta: float, most: int, until: float = 0.0
           ) -> np.ndarray:  # fmt: skip
    """|amplitude| [steps, modes] over the first, after each of the steps, up to that at which all are at `until`."""
    waves, start = torus.waves(modes), 1 / torus_flow.PERIOD
    q = start * torus_flow.superposed(torus, modes, _AMPLITUDE, np.zeros(len(modes)))
    first, found = np.abs(torus.amplitude(q - start, waves)), []
    for _ in range(most):
        q = q + eta * torus_flow.change(torus, velocity, q)
        found.append(np.abs(torus.amplitude(q - start, waves)) / first)
        if np.all(found[-1] <= until):
            break
    return np.array(found)
