r"""Rates of decay measured on particles on the circle [0, 2π), with the operator that training uses.

The target is uniform, so its mean shift is zero and $V = -M_q$ with $q$ the particles, self included; the period is
made by copies of the particles to both sides. A mode is $\hat\eta_k = \frac1N\sum_i e^{-ikx_i}$.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Kernel
from drift_cli.theory.torus_flow import PERIOD, images, runge_kutta


def velocity(kernel: Kernel, x: np.ndarray) -> np.ndarray:
    """−M_q at the particles x [n], which have hardly left [0, 2π)."""
    reach = images(kernel, 1, nearest=0.0)
    copies = np.concatenate([x + PERIOD * image for image in range(-reach, reach + 1)])
    queries, points = (torch.from_numpy(values)[:, None].contiguous() for values in (x, copies))
    return -kernel_mean(kernel, queries, points).shift[:, 0].numpy()


def quantiles(n: int, mode: int, amplitude: float) -> np.ndarray:
    """n particles at the mid-point quantiles of (1 + a cos kx)/2π, by Newton's method on x + a sin(kx)/k."""
    level = PERIOD * (np.arange(n) + 0.5) / n
    x = level.copy()
    for _ in range(50):
        x -= (x + amplitude * np.sin(mode * x) / mode - level) / (1 + amplitude * np.cos(mode * x))
    return x


def coefficient(x: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """The empirical mean of e^{−ikx} for each mode k."""
    means: np.ndarray = np.exp(-1j * np.outer(modes, x)).mean(axis=1)
    return means


def flow(kernel: Kernel, x: np.ndarray, modes: np.ndarray, horizon: float, steps: int) -> np.ndarray:
    """Coefficients [steps + 1, m] of the modes along the flow of the particles (Runge–Kutta of order 4)."""
    kept = [coefficient(x, modes)]
    for _ in range(steps):
        x = runge_kutta(lambda _, state: velocity(kernel, state), 0, x, horizon / steps)
        kept.append(coefficient(x, modes))
    return np.array(kept)


@dataclass(frozen=True)
class Measured:
    """Rates [m] and their standard errors [m]."""

    rates: np.ndarray
    errors: np.ndarray


def from_random_starts(
    kernel: Kernel, n: int, starts: int, modes: np.ndarray, horizon: float, steps: int, seed: int
) -> Measured:
    r"""Rates from independent uniform particles: the sampling noise of each mode is itself the perturbation.

    Over the starts s, $e^{-\lambda t} = \Re\sum_s\overline{\hat\eta_s(0)}\hat\eta_s(t)/\sum_s|\hat\eta_s(0)|^2$ (a
    regression through the origin); the error is the jackknife's over starts. All modes decay in one run, with amplitude
    1/√N, so what remains besides the noise is the coupling between modes, of the same order.
    """
    random = np.random.default_rng(seed)
    products, squares = [], []
    for _ in range(starts):
        path = flow(kernel, random.uniform(0, PERIOD, n), modes, horizon, steps)
        products.append((np.conj(path[0]) * path[-1]).real)
        squares.append(np.abs(path[0]) ** 2)
    return _jackknife(np.array(products), np.array(squares), horizon)


def _jackknife(products: np.ndarray, squares: np.ndarray, horizon: float) -> Measured:
    """−log of the ratio of sums over `horizon`, with the jackknife's standard error over rows."""
    starts = len(products)
    rates = -np.log(products.sum(axis=0) / squares.sum(axis=0)) / horizon
    without = -np.log((products.sum(axis=0) - products) / (squares.sum(axis=0) - squares)) / horizon
    return Measured(rates, without.std(axis=0) * np.sqrt(starts - 1))


def half_width(starts: int) -> float:
    """Standard errors to the end of a 95 % interval, by Student's t."""
    return float(stats.t.ppf(0.975, starts - 1))


def growth(kernel: Kernel, n: int, mode: int, amplitude: float, step: float, count: int) -> float:
    """The factor by which a mode grows per explicit step x ← x + ηV, over `count` steps; theory: |1 − ηλ|."""
    x = quantiles(n, mode, amplitude)
    first = coefficient(x, np.array([mode]))[0]
    for _ in range(count):
        x = x + step * velocity(kernel, x)
    return float(np.abs(coefficient(x, np.array([mode]))[0] / first) ** (1 / count))


def measured_limit(steps: np.ndarray, factors: np.ndarray) -> float:
    """The step η at which a straight line through the factors is 1."""
    slope, level = np.polyfit(steps, factors - 1, 1)
    return float(-level / slope)
