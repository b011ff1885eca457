"""Every family at its best for the frequencies 1 … K: the bandwidth at which its slowest mode is fastest."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drift_cli.kernels import Gaussian, Laplace, Mixture, Spectral
from drift_cli.kernels.designed import DESIGNS, Designed, log_amplitudes, optimal_widths
from drift_cli.studies.kernels import every_kernel
from drift_cli.theory.annealing import Rate, rate_of
from drift_cli.theory.schedule_comparison import best_constant

TEMPERATURES = (1.0, 2.5, 10.0)  # of Deng et al., 0.02, 0.05 and 0.2, as multiples of the smallest
TITLES = {  # in the order of the tables: the paper's kernels, sums of Laplace kernels, the designs
    "gaussian": "Gaussian",
    "laplace": "Laplace",
    "matern32": "Matérn 3/2",
    "matern52": "Matérn 5/2",
    "three_drifts": "Laplace × 3, drifts",
    "three_kernels": "Laplace × 3, kernel",
    "critical": "critical",
    "log_uniform": "log-uniform",
    "optimal": "optimal",
}
_SMALLEST, _LARGEST = 1e-5, 30.0  # bandwidths that are tried, in units of the lowest frequency's 1/ξ


@dataclass(frozen=True)
class Contender:
    """A family at its best: λ(ξ), the bandwidth, and the kernel where it is one and no sum of drifts."""

    rate: Rate
    bandwidth: float
    kernel: Spectral | None


def shapes() -> dict[str, Spectral]:
    """The kernels at bandwidth 1 that are only to be scaled."""
    laplaces = tuple(map(Laplace, TEMPERATURES))
    return {**every_kernel(1.0), "three_kernels": Mixture(1.0, laplaces, (1.0, 1.0, 1.0))}


def designs(modes: int, d: int) -> dict[str, Spectral]:
    """The designed kernels whose highest frequency is K; of the optimal one the weights in any dimension."""
    bandwidth = math.sqrt(2) / modes
    widths, shares = optimal_widths(modes)
    weights = np.exp(log_amplitudes(widths, shares, d))
    parts = tuple(Gaussian(bandwidth * float(width)) for width in widths)
    found: dict[str, Spectral] = {"optimal": Mixture(bandwidth, parts, tuple(weights.tolist()))}
    for name in DESIGNS[1:]:
        if name == "critical" or d <= 4:  # many terms in many dimensions are below single precision
            found[name] = Designed.from_settings(bandwidth, modes, float(d), name)
    return found


def contenders(modes: int, d: int) -> dict[str, Contender]:
    """All of them in d dimensions, in the order of `TITLES`."""
    k = np.arange(1.0, modes + 1)
    found = {}
    for name, shape in shapes().items():
        bandwidth, _ = best_constant(rate_of(shape, d), k, _SMALLEST, _LARGEST)
        kernel = shape.scaled(bandwidth)
        found[name] = Contender(rate_of(kernel, d), bandwidth, kernel)
    bandwidth, _ = best_constant(three_drifts(d), k, _SMALLEST, _LARGEST)
    found["three_drifts"] = Contender(lambda xi: three_drifts(d)(bandwidth * xi), bandwidth, None)
    for name, kernel in designs(modes, d).items():
        found[name] = Contender(rate_of(kernel, d), kernel.bandwidth, kernel)
    return {name: found[name] for name in TITLES if name in found}


def three_drifts(d: int) -> Callable[[np.ndarray], np.ndarray]:
    """λ of the mean of the three drifts, at the smallest temperature 1."""
    return lambda u: np.mean([Laplace(each).rate(u, d) for each in TEMPERATURES], axis=0)


def stretched(rate: Rate, factor: float) -> Rate:
    """The same at so many times the bandwidth."""
    return lambda xi: rate(factor * xi)
