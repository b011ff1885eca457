r"""Modes under a bandwidth that changes in time, in the linear theory of a uniform target.

The mode k of a small perturbation obeys $\dot\eta_k = -\lambda(\sigma(t)k)\,\eta_k$, where
$\lambda(u) = -dh/d\log u$ is the kernel's rate at bandwidth 1 (see `drift_cli.kernels.spectral`). So all there is to
know of a schedule is its accumulated decay

$$\Lambda_k(t) = \int_0^t \lambda(\sigma(s)k)\,ds, \qquad \eta_k(t) = \eta_k(0)\,e^{-\Lambda_k(t)},$$

and the time $T_k$ at which $\Lambda_k = \ln(1/\varepsilon)$. Both are measured here by quadrature and root finding on
the mode equations, for all modes at once and under any course of the bandwidth. Closed forms, which these check, are
in `convergence_times`; what Theorem 6.2 says of the time is in `theorem62`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from drift_cli.kernels import Spectral

Rate = Callable[[np.ndarray], np.ndarray]  # λ(u) of u = σk, the kernel at bandwidth 1
Modes = Float[np.ndarray, " k"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PANELS_PER_E = 12  # panels of quadrature for each factor e of the bandwidth
_HALVINGS = 60  # of the bracket of a root: below the rounding of its ends


@dataclass(frozen=True)
class Course:
    """σ(t) for t ≥ 0: smooth between neighbouring `edges` (the first is 0), `last` from the last edge on."""

    name: str
    bandwidth: Callable[[np.ndarray], np.ndarray]
    edges: np.ndarray
    last: float

    @property
    def duration(self) -> float:
        """T, the time of the last edge."""
        return float(self.edges[-1])

    def at(self, time: np.ndarray) -> np.ndarray:
        """σ at any times ≥ 0."""
        return np.where(time < self.duration, self.bandwidth(np.minimum(time, self.duration)), self.last)


def exponential(sigma_0: float, sigma_min: float, duration: float) -> Course:
    r"""$\sigma_0(\sigma_{\min}/\sigma_0)^{t/T}$, that is $\sigma_0e^{-rt}$ with $r = \ln(\sigma_0/\sigma_{\min})/T$."""
    log_ratio = math.log(sigma_min / sigma_0)
    edges = duration * np.linspace(0, 1, _panels(sigma_0, sigma_min) + 1)
    return Course("exponential", lambda t: sigma_0 * np.exp(log_ratio * t / duration), edges, sigma_min)


def linear(sigma_0: float, sigma_min: float, duration: float) -> Course:
    r"""$\sigma_0 - (\sigma_0 - \sigma_{\min})\,t/T$."""
    fall = _fallen(sigma_0, sigma_min)
    return Course("linear", lambda t: sigma_0 - (sigma_0 - sigma_min) * t / duration, duration * fall, sigma_min)


def cosine(sigma_0: float, sigma_min: float, duration: float) -> Course:
    r"""$\sigma_{\min} + \tfrac12(\sigma_0 - \sigma_{\min})(1 + \cos(\pi t/T))$."""
    edges = duration * np.arccos(1 - 2 * _fallen(sigma_0, sigma_min)) / math.pi

    def bandwidth(t: np.ndarray) -> np.ndarray:
        return sigma_min + (sigma_0 - sigma_min) * (1 + np.cos(math.pi * t / duration)) / 2

    return Course("cosine", bandwidth, edges, sigma_min)


def constant(sigma: float, duration: float) -> Course:
    """σ, always; `duration` is only where the comparison with a sweep of that length is made."""
    return Course("constant", lambda t: np.full_like(t, sigma), np.array([0.0, duration]), sigma)


def staircase(bandwidths: Sequence[float], durations: Sequence[float]) -> Course:
    """Each bandwidth in turn for its duration; the last one is held."""
    steps, ends = np.asarray(bandwidths, dtype=float), np.cumsum(durations)

    def bandwidth(t: np.ndarray) -> np.ndarray:
        return steps[np.minimum(np.searchsorted(ends, t, side="right"), len(steps) - 1)]

    return Course("optimal", bandwidth, np.concatenate([[0.0], ends]), float(steps[-1]))


SWEEPS = {"exponential": exponential, "linear": linear, "cosine": cosine}


def _panels(sigma_0: float, sigma_min: float) -> int:
    return max(1, math.ceil(_PANELS_PER_E * math.log(sigma_0 / sigma_min)))


def _fallen(sigma_0: float, sigma_min: float) -> np.ndarray:
    """How far σ has fallen, from 0 to 1, where equal parts of log σ are done: high modes live at its end."""
    if sigma_0 == sigma_min:
        return np.array([0.0, 1.0])
    sigma = np.geomspace(sigma_0, sigma_min, _panels(sigma_0, sigma_min) + 1)
    return np.concatenate([[0.0], (sigma_0 - sigma[1:-1]) / (sigma_0 - sigma_min), [1.0]])


def accumulated(course: Course, rate: Rate, k: Modes, time: float) -> Modes:
    """Λ_k(time) by Gauss–Legendre quadrature of the mode equations, for every mode of `k`."""
    before = course.edges[course.edges < min(time, course.duration)]
    starts, ends = before, np.append(before[1:], min(time, course.duration))
    sweep = _integrals(course, rate, k[:, None], starts[None, :], ends[None, :]).sum(axis=1)
    decay: Modes = sweep + max(time - course.duration, 0.0) * rate(course.last * k)
    return decay


def crossing_times(course: Course, rate: Rate, k: Modes, level: float) -> Modes:
    """T_k, when Λ_k reaches `level` > 0, by bisection on the quadrature; infinite for modes that never do."""
    panels = _integrals(course, rate, k[:, None], course.edges[None, :-1], course.edges[None, 1:])
    reached = np.cumsum(panels, axis=1)
    held = rate(course.last * k)
    with np.errstate(divide="ignore"):
        times = course.duration + np.where(level > reached[:, -1], (level - reached[:, -1]) / held, 0.0)
    within = np.flatnonzero(reached[:, -1] >= level)
    if len(within) == 0:
        return times
    panel = np.argmax(reached[within] >= level, axis=1)
    missing = level - (reached[within, panel] - panels[within, panel])
    starts, modes = course.edges[panel], k[within]
    low, high = starts.copy(), course.edges[panel + 1].copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = _integrals(course, rate, modes, starts, middle) >= missing
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    times[within] = high
    return times


def _integrals(course: Course, rate: Rate, k: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """∫ λ(σ(t)k) dt from `starts` to `ends` within one panel each; the arguments broadcast."""
    halves = (ends - starts)[..., None] / 2
    times = starts[..., None] + halves * (1 + _NODES)
    integrals: np.ndarray = (rate(course.bandwidth(times) * k[..., None]) * halves) @ _WEIGHTS
    return integrals


def rate_of(kernel: Spectral, d: int = 1) -> Rate:
    """λ(u) of u = σk in d dimensions, for a kernel of bandwidth 1."""
    return lambda u: kernel.rate(u, d)


def annealing_law(
    kernel: Spectral, d: int, k: Modes | float, sigma_0: float, sigma: np.ndarray | float, r: float
) -> np.ndarray:
    r"""$\Lambda_k = [h(\sigma k) - h(\sigma_0k)]/r$ once exponential annealing has come from σ₀ down to σ (ours).

    It follows from $\lambda = -dh/d\log$ for every kernel: no mode collects more than 1/r. `kernel` has bandwidth 1.
    """
    decay: np.ndarray = (kernel.spectrum(np.asarray(sigma * k), d) - kernel.spectrum(np.asarray(sigma_0 * k), d)) / r
    return decay


def log_error(decay: Modes, k: Modes, spectrum: float) -> float:
    r"""$\log\sum_k|\eta_k|^2$ after the accumulated decay, from $|\eta_k(0)|^2 \propto k^{-s}$ of sum 1."""
    start = -spectrum * np.log(k)
    return float(np.logaddexp.reduce(start - 2 * decay) - np.logaddexp.reduce(start))


def activation_times(name: str, sigma: np.ndarray, sigma_0: float, sigma_min: float, duration: float) -> np.ndarray:
    """When the sweep `name` comes down to each of the bandwidths `sigma` of [σ_min, σ₀], in the shape of `sigma`.

    Raises `ValueError` for a name that is none of `SWEEPS`.
    """
    fallen = (sigma_0 - sigma) / (sigma_0 - sigma_min)
    match name:
        case "exponential":
            return duration * np.log(sigma_0 / sigma) / math.log(sigma_0 / sigma_min)
        case "linear":
            return duration * fallen
        case "cosine":
            return duration * np.arccos(1 - 2 * fallen) / math.pi
    raise ValueError(f"there is no sweep {name}")
