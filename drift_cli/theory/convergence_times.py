r"""When a mode k of a small perturbation has shrunk to ε of itself, and the error that is left over time.

With $\Lambda_k(t) = \int_0^t\lambda_k(s)\,ds$ the accumulated decay, $T_k$ solves
$\Lambda_k(T_k) = \ln(1/\varepsilon)$. A fixed kernel has $T_k = \ln(1/\varepsilon)/\lambda_k$
(Turan & Ovsjanikov, Corollary 5.4, as reconstructed; with the exact rate of the exponential kernel ours). The
exponential annealing $\sigma(t) = \max(\sigma_0e^{-rt}, \sigma_{\min})$ (their eq. 18, as reconstructed) has a closed
form for every radial kernel (ours; `annealing.annealing_law`):

$$\Lambda_k(t) = \tfrac1r\,[h(\sigma(t)k) - h(\sigma_0k)]\quad(t \le t_1 = \tfrac1r\ln\tfrac{\sigma_0}{\sigma_{\min}}),
\qquad \Lambda_k(t) = \Lambda_k(t_1) + (t - t_1)\,\lambda(\sigma_{\min}k)\quad(t > t_1).$$
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy import optimize

from drift_cli.kernels import Gaussian, Laplace, Spectral
from drift_cli.theory.annealing import annealing_law
from drift_cli.theory.rates import paper_rate

_LARGEST_EXPONENT = 1300.0  # e^(u/2) is finite below


def _over(decay: float, rate: float) -> float:
    return decay / rate if rate > 0 else math.inf


class Decay(Protocol):
    """How fast a mode decays over time, in closed form and as the rate that an integration sees."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """Times at which the rate is not smooth."""
        ...

    def rate(self, frequency: float, t: np.ndarray) -> np.ndarray:
        """λ_k at the times t."""
        ...

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        """Λ_k(t)."""
        ...

    def time(self, frequency: float, epsilon: float) -> float:
        """T_k, in closed form where there is one; infinite where the rate is zero in floating point."""
        ...


@dataclass(frozen=True)
class Fixed:
    """A kernel that stays as it is, with its exact rate or, `paper`, with the paper's formula for it."""

    kernel: Spectral
    d: int
    paper: bool = False

    @property
    def kinks(self) -> tuple[float, ...]:
        return ()

    def rate(self, frequency: float, t: np.ndarray) -> np.ndarray:
        return np.full_like(np.asarray(t, dtype=float), self._constant(frequency))

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        return np.asarray(t) * self._constant(frequency)

    def time(self, frequency: float, epsilon: float) -> float:
        u, decay = (self.kernel.bandwidth * frequency) ** 2, math.log(1 / epsilon)
        match self.kernel, self.paper:
            case Gaussian(), _:
                return decay * math.exp(u / 2) / u if u < _LARGEST_EXPONENT else math.inf
            case Laplace(), True:
                return decay * (1 + u) ** ((self.d + 1) / 2) / u
            case Laplace(), False:
                return decay * (1 + u) ** ((self.d + 3) / 2) / ((self.d + 1) * u)
        return _over(decay, self._constant(frequency))

    def _constant(self, frequency: float) -> float:
        rate = paper_rate if self.paper else type(self.kernel).rate
        return float(rate(self.kernel, np.array([frequency]), self.d)[0])


@dataclass(frozen=True)
class Annealed:
    """`kernel` at bandwidth 1, scaled to max(σ₀e^{−rt}, σ_min)."""

    kernel: Spectral
    d: int
    sigma0: float
    sigma_min: float
    anneal_rate: float

    @property
    def sweep(self) -> float:
        """t₁, the time at which σ_min is reached."""
        return math.log(self.sigma0 / self.sigma_min) / self.anneal_rate

    @property
    def kinks(self) -> tuple[float, ...]:
        """Also where the bandwidth has fallen by another factor e, so that no panel spans many modes' turns."""
        falls = math.ceil(math.log(self.sigma0 / self.sigma_min))
        return (*(n / self.anneal_rate for n in range(1, falls)), self.sweep)

    def bandwidth(self, t: np.ndarray) -> np.ndarray:
        return np.maximum(self.sigma0 * np.exp(-self.anneal_rate * np.asarray(t, dtype=float)), self.sigma_min)

    def rate(self, frequency: float, t: np.ndarray) -> np.ndarray:
        return self.kernel.rate(self.bandwidth(t) * frequency, self.d)

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        law = annealing_law(self.kernel, self.d, frequency, self.sigma0, self.bandwidth(t), self.anneal_rate)
        return law + np.maximum(np.asarray(t) - self.sweep, 0) * self._last(frequency)

    def time(self, frequency: float, epsilon: float) -> float:
        decay = math.log(1 / epsilon)
        level = self._spectrum(self.sigma0 * frequency) + self.anneal_rate * decay
        if level < self._spectrum(self.sigma_min * frequency):
            return math.log(self.sigma0 * frequency / self._inverse(level)) / self.anneal_rate
        missing = decay - float(self.accumulated(frequency, np.array(self.sweep)))
        return self.sweep + _over(missing, self._last(frequency))

    def _spectrum(self, u: float) -> float:
        return float(self.kernel.spectrum(np.asarray(u), self.d))

    def _inverse(self, level: float) -> float:
        """u with h(u) = level, in closed form for the two kernels that are annealed here."""
        match self.kernel:
            case Gaussian():
                return math.sqrt(-2 * math.log(level))
            case Laplace():
                return math.sqrt(math.expm1(-2 / (self.d + 1) * math.log(level)))
        raise TypeError(f"the spectrum of {type(self.kernel).__name__} has no inverse in closed form here")

    def _last(self, frequency: float) -> float:
        return float(self.kernel.rate(np.array([self.sigma_min * frequency]), self.d)[0])


@dataclass(frozen=True)
class Swept:
    """`kernel` at bandwidth 1, scaled linearly or along a cosine from σ₀ to σ_min over `sweep`, and held there.

    Turan & Ovsjanikov, Appendix F, as reconstructed. There is no closed form: Λ_k is integrated.
    """

    kernel: Spectral
    d: int
    sigma0: float
    sigma_min: float
    sweep: float
    cosine: bool

    @property
    def kinks(self) -> tuple[float, ...]:
        """Also where the bandwidth has about halved again: high modes decay in a small part of the sweep."""
        halvings = math.ceil(math.log2(self.sigma0 / self.sigma_min)) + 1
        return (*(self.sweep * (1 - 2.0**-n) for n in range(1, halvings + 1)), self.sweep)

    def bandwidth(self, t: np.ndarray) -> np.ndarray:
        part = (
            np.minimum(np.asarray(t, dtype=float) / self.sweep, 1) if self.sweep > 0 else np.ones_like(t, dtype=float)
        )
        fall = (1 + np.cos(np.pi * part)) / 2 if self.cosine else 1 - part
        return self.sigma_min + (self.sigma0 - self.sigma_min) * fall

    def rate(self, frequency: float, t: np.ndarray) -> np.ndarray:
        return self.kernel.rate(self.bandwidth(t) * frequency, self.d)

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        return np.array([integrated(self, frequency, float(end)) for end in np.asarray(t).flat])

    def time(self, frequency: float, epsilon: float) -> float:
        return crossing(self, frequency, epsilon)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_PANELS = 6


def integrated(course: Decay, frequency: float, t: float) -> float:
    """Λ_k(t) by Gauss–Legendre quadrature of the rate alone, in panels that end at its kinks."""
    if t <= 0:
        return 0.0
    ends = [0.0, *(kink for kink in course.kinks if 0 < kink < t), t]
    edges = np.concatenate([np.linspace(a, b, _PANELS, endpoint=False) for a, b in pairwise(ends)])
    edges = np.append(edges, t)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    times = middle[:, None] + half[:, None] * _NODES
    return float((course.rate(frequency, times) @ _WEIGHTS) @ half)


def crossing(course: Decay, frequency: float, epsilon: float) -> float:
    """T_k from the integrated rate by root finding; infinite where it is beyond 1e300."""
    decay = math.log(1 / epsilon)
    low, high = 0.0, 1.0
    while integrated(course, frequency, high) < decay:
        low, high = high, 4 * high
        if high > 1e300:
            return math.inf
    return float(
        optimize.brentq(lambda t: integrated(course, frequency, t) - decay, low, high, xtol=1e-300, rtol=1e-14)
    )


def times(course: Decay, frequencies: np.ndarray, epsilon: float) -> np.ndarray:
    """T_k in closed form, where there is one."""
    return np.array([course.time(float(k), epsilon) for k in frequencies])


def crossings(course: Decay, frequencies: np.ndarray, epsilon: float) -> np.ndarray:
    """T_k by integration and root finding."""
    return np.array([crossing(course, float(k), epsilon) for k in frequencies])


def remaining(decay: Callable[[float, np.ndarray], np.ndarray], frequencies: np.ndarray, t: np.ndarray) -> np.ndarray:
    """|η_k(t)|/|η_k(0)| = e^{−Λ_k(t)}, [times, modes]."""
    return np.exp(-np.stack([decay(float(k), t) for k in frequencies], axis=1))


def total_error(parts: np.ndarray) -> np.ndarray:
    """Σ_k |η_k|² over time, 1 at the start, for a flat initial spectrum."""
    return (parts**2).mean(axis=1)
