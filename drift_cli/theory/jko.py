r"""The JKO scheme of the smoothed divergence on a line, by quantile functions.

A measure is the vector x of N ordered quantiles, so that $W_2^2(x, y) = \frac1N\sum_i(x_i - y_i)^2$, and a step of
length τ is (Turan & Ovsjanikov, eqs. 13–15, as reconstructed)

$$x^+ = \arg\min_x F_\sigma(x) + \frac1{2\tau}W_2^2(x, y),\qquad x^+ = y + \tau\,v[x^+](x^+),$$

the implicit Euler step of the flow of $v$; the frozen-field step $y + \tau v[y](y)$ is the explicit one. The unknown
here is the step's velocity $w = (x^+ - y)/\tau$, so that a short step loses no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from drift_cli.theory.smoothed_kl import SmoothedKL

_MOST_STEPS = 100  # of Newton's method; five are usual
_SHORTEST = 1e-8  # fraction of a Newton step that is tried
_PLACES, _AT_ONCE = 50, 1000  # to the bandwidth, where a potential is minimised; of them in one array


class NotSolved(ValueError):
    """The minimisation stopped above the residual that was asked for."""


@dataclass(frozen=True)
class Step:
    """The quantiles `x` [n] after the step, its `velocity` (x − y)/τ and the largest residual |w − v[x](x)|.

    `curvature` is the smallest eigenvalue of the objective's Hessian times τ (of w ↦ N·J/τ): above 0 at a minimiser.
    """

    x: Float[Tensor, " n"]
    velocity: Float[Tensor, " n"]
    residual: float
    curvature: float


def wasserstein(x: Float[Tensor, " n"], y: Float[Tensor, " n"]) -> float:
    r"""$W_2 = \big(\frac1n\sum_i(x_{(i)} - y_{(i)})^2\big)^{1/2}$ of two sets of n points on a line, each in order."""
    return float((x.sort().values - y.sort().values).square().mean().sqrt())


def derivatives(energy: SmoothedKL, x: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n n"]]:
    r"""N ∂F and N ∂²F on a line, in closed form (autograd of the second order would cost N times as much).

    With $\varphi_i = G_\sigma(\cdot - x_i)$, $\rho_i = \varphi_i/\sum_j\varphi_j$, $s_i = (z - x_i)/\sigma^2$ and
    $r = \log q_\sigma/p_\sigma$: $N\partial_iF = \int\varphi_is_i(r + 1)$ and
    $N\partial_i\partial_jF = \delta_{ij}\int\varphi_i(s_i^2 - \sigma^{-2})(r + 1) + \int\varphi_is_i\,\rho_js_j$.
    """
    logs = energy.log_kernel(x[:, None])
    total = torch.logsumexp(logs, dim=0)
    phi, rho = logs.exp() * energy.cell, (logs - total).exp()
    s = (energy.grid[:, 0] - x[:, None]) / energy.bandwidth**2
    r = total - np.log(len(x)) - energy.log_p + 1
    diagonal = (phi * (s.square() - energy.bandwidth**-2)) @ r
    return (phi * s) @ r, torch.diag(diagonal) + (phi * s) @ (rho * s).T


def jko_step(
    energy: SmoothedKL,
    y: Float[Tensor, " n"],
    tau: float,
    tolerance: float = 1e-10,
    guess: Float[Tensor, " n"] | None = None,
) -> Step:
    """The minimiser near `guess` (default: y), by a damped Newton method. Raises `NotSolved`."""
    w = torch.zeros_like(y) if guess is None else (guess - y) / tau
    value, slope, bend = _objective(energy, y, tau, w)
    for _ in range(_MOST_STEPS):
        if float(slope.abs().max()) <= tolerance:
            break
        direction, fraction = _newton(slope, bend), 1.0
        while fraction > _SHORTEST:
            new = _objective(energy, y, tau, w + fraction * direction)
            if new[0] < value or new[1].norm() < 0.9 * slope.norm():  # at the end the value has no digits left
                break
            fraction /= 2
        else:
            break
        w, (value, slope, bend) = w + fraction * direction, new
    x = y + tau * w
    # judged by autograd of the energy alone, not by the derivatives that were used
    residual = float((w - energy.velocity(x[:, None])[:, 0]).abs().max())
    if not residual <= tolerance:
        raise NotSolved(f"the JKO step of length {tau:g} stopped at a residual of {residual:.1e}, above {tolerance:g}")
    return Step(x, w, residual, float(torch.linalg.eigvalsh((bend + bend.T) / 2)[0]))


def _objective(energy: SmoothedKL, y: Tensor, tau: float, w: Tensor) -> tuple[float, Tensor, Tensor]:
    """N·J/τ as a function of w, its gradient w + N∂F and its Hessian I + τ N∂²F."""
    x = y + tau * w
    slope, bend = derivatives(energy, x)
    value = len(y) * energy.energy(x[:, None]) / tau + w.square().sum() / 2
    return float(value), w + slope, torch.eye(len(y), dtype=y.dtype) + tau * bend


def _newton(slope: Tensor, bend: Tensor) -> Tensor:
    """Newton's step; where the Hessian is not positive, with its eigenvalues' absolute values."""
    factor, failed = torch.linalg.cholesky_ex((bend + bend.T) / 2)
    if not failed:
        return -torch.cholesky_solve(slope[:, None], factor)[:, 0]
    values, vectors = torch.linalg.eigh((bend + bend.T) / 2)
    step: Tensor = -vectors @ ((vectors.T @ slope) / values.abs().clamp_min(1e-6))
    return step


def optimal_map(x: Float[Tensor, " n"], y: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """T(x_i) of the optimal map from x to y for the squared distance, by an assignment that knows of no order."""
    _, chosen = linear_sum_assignment((x[:, None] - y).square().numpy())
    return y[torch.from_numpy(chosen)]


def duality_gap(
    energy: SmoothedKL,
    x: Float[Tensor, " n"],
    y: Float[Tensor, " n"],
    tau: float,
    domain: tuple[float, float],
) -> float:
    r"""By how much, at most, any measure on the domain has a lower $J = F_\sigma + W_2^2(\cdot, y)/2\tau$ than x.

    With φ = δF/δq at x, F is convex along mixtures, so $F(\rho) \ge F(x) + \int\varphi\,d(\rho - x)$, and −φ is an
    admissible potential in Kantorovich's dual of $W_2^2/2\tau$. Together, for every ρ,

    $$J(x) - J(\rho) \le \frac{W_2^2(x, y)}{2\tau} + \frac1n\sum_i\varphi(x_i)
    - \frac1n\sum_j\min_z\Big(\varphi(z) + \frac{(z - y_j)^2}{2\tau}\Big).$$

    It is 0 where every x_j minimises its bracket: eq. 14, integrated. x and y are ordered. The minimum over z is that
    of the parabola through the lowest place of a grid and its neighbours, which errs by the third derivative of φ
    alone, however short the step; so the gap may come out a little below 0.
    """
    z = torch.arange(*domain, energy.bandwidth / _PLACES, dtype=x.dtype)
    here = energy.first_variation(x[:, None], x[:, None])
    there = torch.cat([energy.first_variation(x[:, None], part[:, None]) for part in z.split(_AT_ONCE)])
    bracket = there + (z - y[:, None]).square() / (2 * tau)
    lowest = bracket.argmin(dim=1, keepdim=True)
    left, low, right = (bracket.gather(1, (lowest + k).clamp(0, len(z) - 1))[:, 0] for k in (-1, 0, 1))
    bend = left - 2 * low + right
    below = torch.where(bend > 0, (right - left).square() / (8 * bend), 0)
    return float((here + (x - y).square() / (2 * tau) - (low - below)).mean())


def flow(
    energy: SmoothedKL, start: Float[Tensor, " n"], times: np.ndarray, tolerance: float = 1e-11
) -> Float[Tensor, "t n"]:
    """The flow of v at those times (the first is 0), by a method of order 8."""

    def right(_: float, x: np.ndarray) -> np.ndarray:
        return energy.velocity(torch.from_numpy(x)[:, None])[:, 0].numpy()

    found = solve_ivp(
        right, (times[0], times[-1]), start.numpy(), "DOP853", times, rtol=tolerance, atol=tolerance * 0.1
    )
    return torch.from_numpy(found.y.T.copy())
