r"""A kernel by design: one that spends its budget evenly over the frequencies of the data (ours).

Near a uniform density the mean shift lets a mode ξ decay at $\lambda(\xi) = -dh/d\log|\xi|$, so that
$\int\lambda\,d\log|\xi| = 1$ whatever the kernel: a budget. The design makes the slowest of the frequencies 1 … K
fastest, of which the last is √2/bandwidth, where the Gaussian kernel of that bandwidth is fastest:

- `optimal`: the mixture of Gaussians of the linear programme in `drift_cli.design.level`. Its shares $w_j$ are those of
  the integral $\hat k(0)$, so the profile's amplitudes are $a_j \propto w_j\sigma_j^{-d}$: the shares are the same in
  every dimension, the profile is not.
- `log_uniform`: equal shares at widths that are even in their logarithm. As a profile about $r^{-d}$ between the
  smallest and the largest width.
- `critical`: that power itself, the rational quadratic of $\alpha = \tfrac d2(1 + \delta)$, whose integral diverges at
  δ = 0. The spectrum depends on $\nu = \delta d/2$ and on $\sqrt{2\alpha}\,\ell$ alone, which K decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Self

import numpy as np

from drift_cli.design.level import level
from drift_cli.errors import UserError
from drift_cli.kernels.base import Bandwidth, Kernel
from drift_cli.kernels.gaussian import Gaussian
from drift_cli.kernels.mixture import Mixture
from drift_cli.kernels.rational_quadratic import RationalQuadratic
from drift_cli.kernels.spectral import bessel_rate
from drift_cli.rules import between, one_of
from drift_cli.setting import Setting

DESIGNS = ("optimal", "log_uniform", "critical")
_TOP = math.sqrt(2)  # the highest frequency in units of 1/bandwidth
_SPACING = math.log(2)  # of log-uniform widths, at which the rates are level to a hundredth
_MOST_WIDTHS = 16  # terms of the native loops
_LEAST_WEIGHT = 1e-30  # beside the largest, for loops in float32


def _only_auto(key: str, word: str) -> None:
    if word != "auto":
        raise UserError(f'{key} must be of type float, got "{word}": give a number, or auto: found on the data.')


@dataclass(frozen=True)
class Designed(Mixture):
    """A mixture whose terms the design gives; `dimension`, `modes` and `design` live on in them alone."""

    @classmethod
    def from_settings(  # type: ignore[override]  # another recipe of the same object
        cls,
        bandwidth: Bandwidth,
        modes: Annotated[
            int,
            Setting(
                "frequencies of the design: the coarsest detail over the finest", (partial(between, low=2, high=1000),)
            ),
        ],
        dimension: Annotated[
            float,
            Setting(
                "of the data as it lies in its space; auto: estimated on the data, by its nearest neighbours",
                (partial(between, low=0.1, high=4096),),
                word=_only_auto,
            ),
        ],
        design: Annotated[str, Setting("how the budget is made even", (partial(one_of, choices=DESIGNS),))],
    ) -> Self:
        """Raises `UserError` where the widest term would be lost beside the narrowest."""
        if design == "critical":
            return cls(bandwidth, (critical(bandwidth, modes, dimension),), (1.0,))
        widths, shares = optimal_widths(modes) if design == "optimal" else log_uniform_widths(modes)
        logs = log_amplitudes(widths, shares, dimension)
        if logs.min() < math.log(_LEAST_WEIGHT):
            raise UserError(
                f"kernel.modes={modes} in {dimension:g} dimensions gives the widest part of the kernel "
                f"10^{logs.min() / math.log(10):.0f} of the narrowest's weight, and single precision "
                "keeps 10^-30: lower kernel.modes or kernel.dimension, or choose kernel.design=critical."
            )
        components: tuple[Kernel, ...] = tuple(Gaussian(bandwidth * float(width)) for width in widths)
        return cls(bandwidth, components, tuple(np.exp(logs).tolist()))


def log_amplitudes(widths: np.ndarray, shares: np.ndarray, dimension: float) -> np.ndarray:
    """Of the profile, log a_j = log w_j − d log σ_j, the largest of them 0."""
    logs = np.log(shares) - dimension * np.log(widths)
    relative: np.ndarray = logs - logs.max()
    return relative


@cache
def optimal_widths(modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Widths in units of the bandwidth, from the largest, and their shares of the kernel's integral (sum 1)."""
    k = np.arange(1.0, modes + 1) * _TOP / modes
    found = level(lambda u: Gaussian(1.0).rate(u, 1), k, 0.3, 3.0 * modes)
    return found.bandwidths, found.shares


@cache
def log_uniform_widths(modes: int) -> tuple[np.ndarray, np.ndarray]:
    r"""The same, even in the logarithm between a/K and b in units of the lowest frequency's 1/ξ.

    An even measure has $\lambda(k) = (e^{-a^2k^2/2K^2} - e^{-b^2k^2/2})/\ln(bK/a)$, whose ends k = 1 and K are alike
    where $e^{-a^2/2} = 1 - e^{-b^2/2} = p$; the p that makes them fastest is found.
    """
    from scipy.optimize import minimize_scalar

    def reach(p: float) -> tuple[float, float]:
        return math.sqrt(-2 * math.log(p)), math.sqrt(-2 * math.log1p(-p)) * modes

    best = minimize_scalar(lambda p: -p / math.log(reach(p)[1] / reach(p)[0]), bounds=(0.5, 0.9999), method="bounded")
    low, high = (math.log(end) for end in reach(float(best.x)))
    count = min(_MOST_WIDTHS, math.ceil((high - low) / _SPACING))
    widths = np.exp(high - (high - low) * (np.arange(count) + 0.5) / count) / _TOP
    return widths, np.full(count, 1 / count)


def critical(bandwidth: float, modes: int, dimension: float) -> RationalQuadratic:
    """The rational quadratic near α = d/2 whose slowest frequency of 1 … K is fastest."""
    order, scale = _critical_shape(modes)
    alpha = dimension / 2 + order
    return RationalQuadratic(bandwidth * scale / math.sqrt(2 * alpha), alpha)


@cache
def _critical_shape(modes: int) -> tuple[float, float]:
    r"""ν and $\sqrt{2\alpha}\,\ell$ in units of the bandwidth.

    The rate rises and then falls with the frequency, so the slowest of them is the first or the last: the best length
    makes these two alike, and the best ν is searched.
    """
    from scipy.optimize import brentq, minimize_scalar

    def first(order: float) -> float:
        """z of the lowest frequency."""

        def ahead(log: float) -> float:
            low, high = bessel_rate(order, np.exp(np.array([log, log + math.log(modes)])))
            return float(np.log(low) - np.log(high))

        return math.exp(brentq(ahead, math.log(1e-4 / modes), math.log(100 / modes)))

    best = minimize_scalar(
        lambda log: -float(bessel_rate(math.exp(log), np.array(first(math.exp(log))))),
        bounds=(math.log(0.02), math.log(3)),
        method="bounded",
    )
    order = math.exp(float(best.x))
    return order, first(order) * modes / _TOP
