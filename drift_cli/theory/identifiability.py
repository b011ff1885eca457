r"""How hard it is to tell p from q by the drift (Turan & Ovsjanikov, Prop. 5.1, and what it leaves out; ours).

On the torus with $p = 1/2\pi$ and $q = p\,(1 + a\cos kx)$ the total variation distance is $a/\pi$ at every k, and
with $c = a\,e^{-\sigma^2k^2/2}$ the Gaussian drift has

$$\sup|V| = \frac{\sigma^2 k\,c}{\sqrt{1 - c^2}},$$

which is zero for no $a > 0$ and yet falls as fast as $e^{-\sigma^2k^2/2}$: identifiable, and ill-conditioned.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy import optimize


def largest_drift(amplitude: float, frequency: Float[np.ndarray, " k"], bandwidth: float) -> Float[np.ndarray, " k"]:
    r"""$\sup|V| = \sigma^2kc/\sqrt{1 - c^2}$ with $c = a\,e^{-\sigma^2k^2/2}$, for each frequency k."""
    c = amplitude * np.exp(-((bandwidth * frequency) ** 2) / 2)
    return bandwidth**2 * frequency * c / np.sqrt(1 - c**2)


def drift_on_torus(
    amplitude: float, frequency: int, bandwidth: float, x: Float[np.ndarray, " n"], nodes: int
) -> Float[np.ndarray, " n"]:
    """V by its definition: both mean shifts as integrals over the line, by the trapezoid rule with `nodes` nodes."""
    reach = 12 * bandwidth  # the Gaussian is 1e-32 of its height there
    z = np.linspace(-reach, reach, nodes)
    kernel = np.exp(-((z / bandwidth) ** 2) / 2)
    density = 1 + amplitude * np.cos(frequency * (x[:, None] + z))
    shift_to_p = float((kernel * z).sum() / kernel.sum())  # p is constant
    drift: np.ndarray = shift_to_p - (density * kernel * z).sum(axis=1) / (density * kernel).sum(axis=1)
    return drift


def largest_on_torus(amplitude: float, frequency: int, bandwidth: float, nodes: int) -> float:
    """sup |V| of `drift_on_torus`, looked for over half a period (V is odd about its ends)."""

    def minus(x: float) -> float:
        return -abs(float(drift_on_torus(amplitude, frequency, bandwidth, np.array([x]), nodes)[0]))

    found = optimize.minimize_scalar(minus, bounds=(0, math.pi / frequency), method="bounded", options={"xatol": 1e-9})
    return -float(found.fun)


def total_variation(amplitude: float) -> float:
    """½∫|p − q| = a/π, whatever the frequency."""
    return amplitude / math.pi
