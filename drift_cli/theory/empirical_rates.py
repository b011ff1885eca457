r"""The effect of sampling on the modes of the drift near a uniform density on the torus $[0, 2\pi)^d$ (ours).

The empirical measure of N independent points has $\eta_N(\xi) = \frac1N\sum_j e^{-i\xi x_j}$ with
$E|\eta_N|^2 = 1/N$, and the mean shift is linear in it to first order, so one empirical mean shift has

$$E|\hat V_N(\xi)|^2 = \frac{\lambda(\xi)^2}{|\xi|^2 N}$$

as long as the effective sample size $N\rho\,(\int k)^2/\int k^2$ is large ($\rho = (2\pi)^{-d}$): the faster a mode is
moved, the more noise it is given. Steps x ← x + ηV on fresh samples each time settle at

$$E|\eta|^2 = \frac{\eta\lambda}{2 - \eta\lambda}\,c, \qquad
\text{after T steps}\quad a^2s + \frac{\eta\lambda}{2 - \eta\lambda}(1 - s)\,c, \quad s = (1 - \eta\lambda)^{2T},$$

where c is 1/M for data batches of M, and 1/M + 1/N where the model's batch of N is fresh too. With 1 in place
of 1 − s both terms are convex in ηλ, which is linear in the shares of a mixture's widths: the best kernel for so many
steps and samples is a convex programme, but for the noise that the first steps have not yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import simpson
from scipy.optimize import minimize

from drift_cli.kernels import Gaussian, Mixture, Spectral

Modes = Float[np.ndarray, " k"]


def effective_samples(kernel: Spectral, n: int, d: int) -> float:
    r"""$n\rho\,(\int k)^2/\int k^2$ at the uniform density $\rho = (2\pi)^{-d}$, by quadrature of the profile."""
    logs = np.linspace(math.log(1e-6 * kernel.bandwidth), math.log(1e6 * kernel.bandwidth), 20_001)
    profile = kernel.log_profile(torch.from_numpy(np.exp(logs))).numpy()
    surface = math.log(2) + d / 2 * math.log(math.pi) - math.lgamma(d / 2)
    square = math.log(float(simpson(np.exp(2 * profile + d * logs), x=logs))) + surface
    return n * math.exp(2 * kernel.log_integral(d) - square - d * math.log(2 * math.pi))


def noise(rate: Modes, k: Modes, n: int) -> Modes:
    r"""$E|\hat V|^2 = (\lambda/k)^2/n$ of one empirical mean shift of n points, by mode."""
    energy: Modes = (rate / k) ** 2 / n
    return energy


def floor(moved: Modes, c: float) -> Modes:
    r"""$E|\eta|^2 = \frac{\eta\lambda}{2 - \eta\lambda}\,c$ at which a mode settles, for `moved` = ηλ < 2."""
    energy: Modes = moved / (2 - moved) * c
    return energy


def after(moved: Modes, energy: Modes, c: float, steps: int) -> Modes:
    r"""$E|\eta|^2 = a^2s + \frac{\eta\lambda}{2 - \eta\lambda}(1 - s)\,c$ after T steps, $s = (1 - \eta\lambda)^{2T}$.

    `moved` is ηλ, `energy` a² at the start.
    """
    left = (1 - moved) ** (2 * steps)
    energy = energy * left + floor(moved, c) * (1 - left)
    return energy


@dataclass(frozen=True)
class Design:
    """Widths with their shares of one kernel's integral (sum 1), the step size, and the expected error Σ E|η|²."""

    widths: np.ndarray
    shares: np.ndarray
    eta: float
    error: float

    def kernel(self, d: int) -> Spectral:
        """The mixture of Gaussians; amplitudes are share over σ^d."""
        used = self.shares > 1e-6
        logs = np.log(self.shares[used]) - d * np.log(self.widths[used])
        parts = tuple(Gaussian(float(width)) for width in self.widths[used])
        return Mixture(float(self.widths[used].min()), parts, tuple(np.exp(logs - logs.max()).tolist()))


def best_design(k: Modes, count: Modes, energy: Modes, c: float, steps: int, widths: np.ndarray) -> Design:
    """The shares and the step size that leave the least Σ count·E|η|² after the steps. `count`: modes at each |ξ|.

    The convex programme with all the noise, and from its optimum on that of `after`, which is a little less.
    """
    rates = Gaussian(1.0).rate(widths[None, :] * k[:, None], 1)
    scale = rates.max(axis=0)  # variables are the fastest rate of each width: their sizes are alike
    rates = rates / scale
    whole = float((count * energy).sum())

    def error(weights: np.ndarray, part: float) -> tuple[float, np.ndarray]:
        """And its gradient; `part` of the noise is charged as in `after`, the rest in full."""
        moved = rates @ weights
        within = np.minimum(moved, 1.99)
        left, level = (1 - within) ** (2 * steps), floor(within, c)
        falling = -2 * steps * (1 - within) ** (2 * steps - 1)
        value = energy * left + level * (1 - part * left)
        slope = energy * falling + 2 * c / (2 - within) ** 2 * (1 - part * left) - part * level * falling
        over = moved - within
        steep = (count * np.where(over > 0, 1e3, slope)) @ rates
        return float((count * (value + 1e3 * over)).sum()) / whole, steep / whole

    x = np.full(len(widths), 0.1 / len(widths))
    for part in (0.0, 1.0):
        found = minimize(error, x, args=(part,), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(widths),
                         options={"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-14, "gtol": 1e-12})  # fmt: skip
        x = found.x
    moved = np.maximum(x, 0.0)
    weights = moved / scale
    reached = float((count * after(rates @ moved, energy, c, steps)).sum())
    return Design(widths, weights / weights.sum(), float(weights.sum()), reached)


def best_step(rate: Callable[[np.ndarray], np.ndarray], k: Modes, count: Modes, energy: Modes, c: float, steps: int
              ) -> tuple[float, float]:  # fmt: skip
    """The step size, of 400 up to 1.98/max λ, that leaves the least Σ count·E|η|² after the steps, and that error."""
    rates = rate(k)
    etas = np.geomspace(1e-4, 1.98 / rates.max(), 400)
    errors = [float((count * after(eta * rates, energy, c, steps)).sum()) for eta in etas]
    at = int(np.argmin(errors))
    return float(etas[at]), errors[at]
