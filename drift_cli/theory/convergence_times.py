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
from typing import Protocol

import numpy as np

from drift_cli.kernels import Gaussian, Laplace, Spectral
from drift_cli.kernels.spectral import Invertible
from drift_cli.theory import annealing
from drift_cli.theory.annealing import Course
from drift_cli.theory.rates import paper_rate

_LARGEST_EXPONENT = 1300.0  # e^(u/2) is finite below


def _over(decay: float, rate: float) -> float:
    return decay / rate if rate > 0 else math.inf


class Decay(Protocol):
    """How fast a mode k decays over time: in closed form where there is one, and as what an integration needs."""

    @property
    def course(self) -> Course:
        """σ(t), by which the kernel of bandwidth 1 is scaled."""
        ...

    def rate(self, u: np.ndarray) -> np.ndarray:
        """λ of u = σk."""
        ...

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        """Λ_k(t)."""
        ...

    def time(self, frequency: float, epsilon: float) -> float:
        """T_k; infinite where the rate is zero in floating point."""
        ...


@dataclass(frozen=True)
class Fixed:
    """A kernel that stays as it is, with its exact rate or, `paper`, with the paper's formula for it."""

    kernel: Spectral
    d: int
    paper: bool = False

    @property
    def course(self) -> Course:
        """The kernel's own bandwidth, always."""
        return annealing.constant(self.kernel.bandwidth, 1.0)

    def rate(self, u: np.ndarray) -> np.ndarray:
        """λ at the frequencies u/σ, in the shape of u."""
        rate = paper_rate if self.paper else type(self.kernel).rate
        return rate(self.kernel, u / self.kernel.bandwidth, self.d)

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        r"""$t\,\lambda_k$."""
        return np.asarray(t) * self._constant(frequency)

    def time(self, frequency: float, epsilon: float) -> float:
        r"""$\ln(1/\varepsilon)/\lambda_k$, of the Gaussian and the Laplace kernel written out with $u = \sigma^2k^2$.

        The rates are not those of `rate`, so that each checks the other: $\lambda = ue^{-u/2}$, and
        $(d + 1)\,u\,(1 + u)^{-(d + 3)/2}$ or, of the paper, $u\,(1 + u)^{-(d + 1)/2}$. Infinite for the Gaussian kernel
        from $u = 1300$ on.
        """
        u, decay = (self.kernel.bandwidth * frequency) ** 2, math.log(1 / epsilon)
        match self.kernel, self.paper:
            case Gaussian(), _:
                return decay * math.exp(u / 2) / u if u < _LARGEST_EXPONENT else math.inf
            case Laplace(), True:
                return float(decay * (1 + u) ** ((self.d + 1) / 2) / u)
            case Laplace(), False:
                return float(decay * (1 + u) ** ((self.d + 3) / 2) / ((self.d + 1) * u))
        return _over(decay, self._constant(frequency))

    def _constant(self, frequency: float) -> float:
        return float(self.rate(np.array([self.kernel.bandwidth * frequency]))[0])


@dataclass(frozen=True)
class Annealed:
    """`kernel` at bandwidth 1, scaled to max(σ₀e^{−rt}, σ_min)."""

    kernel: Invertible
    d: int
    sigma0: float
    sigma_min: float
    anneal_rate: float

    @property
    def sweep(self) -> float:
        """t₁, the time at which σ_min is reached."""
        return math.log(self.sigma0 / self.sigma_min) / self.anneal_rate

    @property
    def course(self) -> Course:
        r"""$\max(\sigma_0e^{-rt}, \sigma_{\min})$."""
        return sweep("exponential", self.sigma0, self.sigma_min, self.sweep)

    def rate(self, u: np.ndarray) -> np.ndarray:
        """λ of u = σk, in the shape of u."""
        return self.kernel.rate(u, self.d)

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        """The annealing law up to t₁ and the rate at σ_min from there on, as in the module's docstring."""
        sigma = self.course.at(np.asarray(t, dtype=float))
        law = annealing.annealing_law(self.kernel, self.d, frequency, self.sigma0, sigma, self.anneal_rate)
        return law + np.maximum(np.asarray(t) - self.sweep, 0) * self._last(frequency)

    def time(self, frequency: float, epsilon: float) -> float:
        r"""Where $h(\sigma(t)k) = h(\sigma_0k) + r\ln(1/\varepsilon)$, if that is before $t_1$; else after it.

        Raises `TypeError` for a kernel whose spectrum has no inverse in closed form here.
        """
        decay = math.log(1 / epsilon)
        level = self._spectrum(self.sigma0 * frequency) + self.anneal_rate * decay
        if level < self._spectrum(self.sigma_min * frequency):
            return math.log(self.sigma0 * frequency / self.kernel.frequency_at(level, self.d)) / self.anneal_rate
        missing = decay - float(self.accumulated(frequency, np.array(self.sweep)))
        return self.sweep + _over(missing, self._last(frequency))

    def _spectrum(self, u: float) -> float:
        return float(self.kernel.spectrum(np.asarray(u), self.d))

    def _last(self, frequency: float) -> float:
        return float(self.rate(np.array([self.sigma_min * frequency]))[0])


@dataclass(frozen=True)
class Swept:
    """`kernel` at bandwidth 1 along any course, such as those of Turan & Ovsjanikov, Appendix F, as reconstructed.

    There is no closed form: Λ_k is integrated.
    """

    kernel: Spectral
    d: int
    course: Course

    def rate(self, u: np.ndarray) -> np.ndarray:
        """λ of u = σk, in the shape of u."""
        return self.kernel.rate(u, self.d)

    def accumulated(self, frequency: float, t: np.ndarray) -> np.ndarray:
        """Λ_k at each of the times, by `integrated`."""
        return np.array([integrated(self, frequency, float(end)) for end in np.asarray(t).flat])

    def time(self, frequency: float, epsilon: float) -> float:
        """T_k by `crossings`."""
        return float(crossings(self, np.array([frequency]), epsilon)[0])


def sweep(name: str, sigma_0: float, sigma_min: float, duration: float) -> Course:
    """One of `annealing.SWEEPS`; from a bandwidth to itself, which takes no time, the constant course.

    Raises `KeyError` for another name.
    """
    return annealing.SWEEPS[name](sigma_0, sigma_min, duration) if duration else annealing.constant(sigma_min, 1.0)


def integrated(decay: Decay, frequency: float, t: float) -> float:
    """Λ_k(t) by quadrature of the rate alone."""
    return float(annealing.accumulated(decay.course, decay.rate, np.array([frequency]), t)[0])


def times(course: Decay, frequencies: np.ndarray, epsilon: float) -> np.ndarray:
    """T_k of each frequency [k], in closed form where there is one."""
    return np.array([course.time(float(k), epsilon) for k in frequencies])


def crossings(decay: Decay, frequencies: np.ndarray, epsilon: float) -> np.ndarray:
    """T_k of each frequency [k], by quadrature of the rate and root finding."""
    return annealing.crossing_times(decay.course, decay.rate, frequencies, math.log(1 / epsilon))


def remaining(decay: Callable[[float, np.ndarray], np.ndarray], frequencies: np.ndarray, t: np.ndarray) -> np.ndarray:
    """|η_k(t)|/|η_k(0)| = e^{−Λ_k(t)}, [times, modes]."""
    left: np.ndarray = np.exp(-np.stack([decay(float(k), t) for k in frequencies], axis=1))
    return left


def total_error(parts: np.ndarray) -> np.ndarray:
    """Σ_k |η_k|² over time [times], from the parts [times, modes] that are left: 1 at the start, of a flat spectrum."""
    error: np.ndarray = (parts**2).mean(axis=1)
    return error
