r"""The full nonlinear McKean–Vlasov equation $\partial_t q = -\nabla\cdot(q\,V_{p,q})$ on the torus $[0, 2\pi)^d$.

$V = M_p - M_q$ is the mean-shift drift (Turan & Ovsjanikov, eqs. 4, 7, 8) of a radial kernel, made periodic by the
sum over its images:

$$M_q(x) = \frac{\sum_m\int k(x - y + 2\pi m)\,(y - x - 2\pi m)\,q(y)\,dy}{\sum_m\int k(x - y + 2\pi m)\,q(y)\,dy}.$$

The kernel and its first moment are sampled in real space, on the grid, and transformed there: no analytic Fourier
transform and no formula for a rate enters, so what is measured here tests those formulas independently. The price is
the cusp: a kernel whose transform falls as $|\xi|^{-s}$ has its integral on the grid of n points off by about
$(\ell n)^{-s}$ (relative), which bounds the agreement for the Laplace kernel (s = d + 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import torch
from scipy import fft

from drift_cli.kernels import Kernel

PERIOD = 2 * np.pi
_TAIL = 1e-10  # what the images left out may weigh, relative to the kernel's value and length at its bandwidth
_MOST_IMAGES = 60


@dataclass(frozen=True)
class Torus:
    """A grid of n points along each of d axes."""

    n: int
    d: int

    @cached_property
    def points(self) -> np.ndarray:
        """Coordinates [d, n, …], from 0."""
        axis = np.arange(self.n) * (PERIOD / self.n)
        return np.stack(np.meshgrid(*[axis] * self.d, indexing="ij"))

    @cached_property
    def _gradient(self) -> np.ndarray:
        """iξ for each axis, in the layout of `rfftn`; the highest frequency of an even grid has no sign: left out."""
        whole = fft.fftfreq(self.n, 1 / self.n)
        whole[np.abs(whole) * 2 == self.n] = 0
        half = np.where(np.arange(self.n // 2 + 1) * 2 == self.n, 0, np.arange(self.n // 2 + 1))
        return 1j * np.stack(np.meshgrid(*[whole] * (self.d - 1), half, indexing="ij"))

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Fourier coefficients of real values [..., n, …], over the last d axes; the last one is halved."""
        coefficients: np.ndarray = fft.rfftn(values, axes=self._axes)
        return coefficients

    def back(self, coefficients: np.ndarray) -> np.ndarray:
        """The values [..., n, …] that have these coefficients: the inverse of `transform`."""
        values: np.ndarray = fft.irfftn(coefficients, s=(self.n,) * self.d, axes=self._axes)
        return values

    def divergence(self, flux: np.ndarray) -> np.ndarray:
        """∇·F for F [..., d, n, …]: [..., n, …]."""
        return self.back((self.transform(flux) * self._gradient).sum(axis=-1 - self.d))

    def waves(self, modes: np.ndarray) -> np.ndarray:
        """e^{−iξx} on the grid, [m, n^d], for each row ξ of `modes` [m, d]."""
        waves: np.ndarray = np.exp(-1j * (modes @ self.points.reshape(self.d, -1)))
        return waves

    def amplitude(self, values: np.ndarray, waves: np.ndarray) -> np.ndarray:
        """Complex coefficients [m] of values [m, n, …], each at its own mode; one density alone, at all modes."""
        flat = values.reshape(-1, waves.shape[1])
        parts = waves @ flat[0] if len(flat) == 1 else np.einsum("mn,mn->m", waves, flat)
        amplitude: np.ndarray = parts / waves.shape[1]
        return amplitude

    @property
    def _axes(self) -> tuple[int, ...]:
        return tuple(range(-self.d, 0))


@dataclass(frozen=True)
class PeriodicKernel:
    """A kernel on a torus as multipliers: `mass` of k, `moment` [d, …] of −z k(z), both over the grid's volume."""

    torus: Torus
    mass: np.ndarray
    moment: np.ndarray

    def mean_shift(self, q: np.ndarray) -> np.ndarray:
        """M_q on the grid, [..., d, n, …], for densities q [..., n, …]."""
        coefficients = self.torus.transform(q)
        mass = self.torus.back(coefficients * self.mass)
        shift = self.torus.back(np.expand_dims(coefficients, -1 - self.torus.d) * self.moment)
        mean_shift: np.ndarray = shift / np.expand_dims(mass, -1 - self.torus.d)
        return mean_shift

    def smooth(self, values: np.ndarray) -> np.ndarray:
        """The convolution with k/∫k."""
        return self.torus.back(self.torus.transform(values) * (self.mass / self.mass.flat[0]))


def images(kernel: Kernel, d: int, nearest: float = 0.5) -> int:
    """How many periods to each side the kernel reaches. Raises `ValueError` when its tail is too heavy to be summed.

    With n images what is left out is at least n + `nearest` periods away: half a period for displacements in [−π, π).
    Judged by $r^{d+1}\\varphi(r)$, the weight of a shell in the first moment, in units of the bandwidth.
    """
    for count in range(1, _MOST_IMAGES + 1):
        r = torch.tensor(PERIOD * (count + nearest), dtype=torch.float64)
        if float(kernel.log_profile(r) + (d + 1) * (r / kernel.bandwidth).log()) < np.log(_TAIL):
            return count
    raise ValueError(f"the kernel reaches beyond {_MOST_IMAGES} periods of the torus")


def periodic(kernel: Kernel, torus: Torus) -> PeriodicKernel:
    """The kernel's samples in real space, summed over its images, and transformed on the grid."""
    reach = images(kernel, torus.d)
    displacement = (torus.points + np.pi) % PERIOD - np.pi
    mass, moment = np.zeros(displacement.shape[1:]), np.zeros(displacement.shape)
    for image in product(range(-reach, reach + 1), repeat=torus.d):
        z = displacement + PERIOD * np.array(image, dtype=float).reshape(-1, *[1] * torus.d)
        r = torch.from_numpy(np.sqrt((z**2).sum(axis=0)))
        k = kernel.log_profile(r).exp().numpy()
        mass += k
        moment -= z * k
    volume = (PERIOD / torus.n) ** torus.d
    return PeriodicKernel(torus, torus.transform(mass) * volume, torus.transform(moment) * volume)


Velocity = Callable[[np.ndarray], np.ndarray]


def drift(kernel: PeriodicKernel, p: np.ndarray) -> Velocity:
    """q ↦ V_{p,q} on the grid."""
    attraction = kernel.mean_shift(p)
    return lambda q: attraction - kernel.mean_shift(q)


def smoothed_drift(kernel: PeriodicKernel, p: np.ndarray) -> Velocity:
    r"""q ↦ k * V_{p,q}: for the Gaussian kernel σ² times the exact Wasserstein velocity of KL(q_σ ‖ p_σ) (ours)."""
    plain = drift(kernel, p)
    return lambda q: kernel.smooth(plain(q))


def change(torus: Torus, velocity: Velocity, q: np.ndarray) -> np.ndarray:
    """−∇·(q V), the right-hand side of the equation."""
    return -torus.divergence(np.expand_dims(q, -1 - torus.d) * velocity(q))


def runge_kutta(
    right: Callable[[float, np.ndarray], np.ndarray], t: float, state: np.ndarray, step: float
) -> np.ndarray:
    """One step of the classical method of order 4, for right(time, state)."""
    a = right(t, state)
    b = right(t + step / 2, state + step / 2 * a)
    c = right(t + step / 2, state + step / 2 * b)
    after: np.ndarray = state + step / 6 * (a + 2 * b + 2 * c + right(t + step, state + step * c))
    return after


@dataclass(frozen=True)
class Decay:
    """Amplitudes [times, m] of m modes, each followed in a separate run."""

    times: np.ndarray
    amplitudes: np.ndarray


def perturbed(torus: Torus, modes: np.ndarray, amplitude: float) -> np.ndarray:
    """Densities (1 + a cos ξ·x)/(2π)^d, one for each row of `modes` [m, d]."""
    density: np.ndarray = (1 + amplitude * np.cos(np.einsum("md,d...->m...", modes, torus.points))) / PERIOD**torus.d
    return density


def superposed(torus: Torus, modes: np.ndarray, amplitude: float, phases: np.ndarray) -> np.ndarray:
    """1 + a Σ cos(ξ·x + phase), over the rows ξ of `modes` [m, d]: a density relative to the uniform one."""
    angles = np.einsum("md,d...->m...", modes, torus.points) + phases.reshape(-1, *[1] * torus.d)
    density: np.ndarray = 1 + amplitude * np.cos(angles).sum(axis=0)
    return density


def follow(torus: Torus, velocity: Velocity, modes: np.ndarray, amplitude: float, horizon: float, steps: int) -> Decay:
    """Solve the nonlinear equation from a uniform density with one small mode each, and record that mode.

    One mode to a run, so that no other mode couples into it at first order of the amplitude.
    """
    q, start, waves = perturbed(torus, modes, amplitude), 1 / PERIOD**torus.d, torus.waves(modes)
    kept = [torus.amplitude(q - start, waves)]
    for _ in range(steps):
        q = runge_kutta(lambda _, state: change(torus, velocity, state), 0, q, horizon / steps)
        kept.append(torus.amplitude(q - start, waves))
    return Decay(np.linspace(0, horizon, steps + 1), np.array(kept))


def follow_together(
    torus: Torus,
    kernel_at: Callable[[float], Kernel],
    modes: np.ndarray,
    amplitude: float,
    phases: np.ndarray,
    horizon: float,
    steps: int,
) -> Decay:
    """Solve the nonlinear equation from a uniform density with all modes at once, under a kernel that changes in time.

    Modes couple with a relative strength of about `amplitude`·√m: it must be small compared with the smallest amplitude
    to be measured.
    """
    start = 1 / PERIOD**torus.d
    uniform = np.full((torus.n,) * torus.d, start)
    cached: dict[Kernel, Velocity] = {}

    def right(t: float, state: np.ndarray) -> np.ndarray:
        kernel = kernel_at(t)
        if kernel not in cached:
            if len(cached) > 2:
                cached.clear()
            cached[kernel] = drift(periodic(kernel, torus), uniform)
        return change(torus, cached[kernel], state)

    q = start * superposed(torus, modes, amplitude, phases)
    waves = torus.waves(modes)
    kept = [torus.amplitude(q - start, waves)]
    for step in range(steps):
        q = runge_kutta(right, step * horizon / steps, q, horizon / steps)
        kept.append(torus.amplitude(q - start, waves))
    return Decay(np.linspace(0, horizon, steps + 1), np.array(kept))
