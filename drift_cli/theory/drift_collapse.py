r"""Drift collapse: all particles at a mode of the smoothed data, a zero of the loss, under each gradient path (ours).

At a place $x^*$ with $M_p(x^*) = 0$ the drift of particles that all lie there is zero, whatever p is. With
$J = I + \partial M_p/\partial x = \sum_j a_j\,w_j\,(y_j - x^*)(y_j - x^*)^\top$ there (for the Gaussian kernel
$\mathrm{Cov}_a(y)/\sigma^2$), symmetric and positive, particles at $x^* + \delta_i$ with mean $\bar\delta$ have

$$V_i = J\delta_i - \bar\delta, \qquad \frac{\partial V_i}{\partial x_i}\Big|_{\rm query} = J, \qquad
\frac{\partial V_i}{\partial x_j}\Big|_{\rm samples} = -\tfrac1N I$$

to first order, so that the spread ($\bar\delta = 0$) and the centre ($\delta_i = \bar\delta$) grow at the rates

| | spread | centre |
|---|---|---|
| the drift (`none`) | $J$ | $J - I$ |
| `both` | $-J^2$ | $-(J - I)^2$ |
| `query` | $-J^2$ | $-J(J - I)$ |
| `samples` | $0$ | $J - I$ |

in each eigendirection of J. Mean-shift iteration converges where $J < I$: a mode. There the drift spreads the cloud
and `both` collapses it. `query` contracts it too, but drives its centre off the mode: with that path alone the centre
is stable where $J > I$, between the modes. For `samples` the spread is neutral, and the next order
makes it grow: measured as its cube for smooth kernels, as its square for one with a cusp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy import integrate
from torch import Tensor

from drift_cli.fused import kernel_mean
from drift_cli.kernels import Weighted
from drift_cli.theory.particle_derivatives import derivatives

_ASCENT, _ITERATIONS, _POLISH = 50, 5000, 20  # mean shifts from every start, of the densest, and Newton's steps
_CLOSE = 1e-4  # bandwidths of mean shift at which the iteration gives way to Newton's method


@dataclass(frozen=True)
class Mode:
    """A place x* [d] with M_p(x*) = 0, and J [d, d] there."""

    place: Float[Tensor, " d"]
    slope: Float[Tensor, "d d"]


def mode(kernel: Weighted, data: Float[Tensor, "m d"], starts: Float[Tensor, "s d"]) -> Mode:
    """The densest of the modes that mean-shift iteration reaches from `starts`, polished by Newton's method.

    Raises `ValueError` where what was found is not a zero of M_p to rounding, or not stable under mean shift.
    """
    x = starts
    for _ in range(_ASCENT):
        x = x + kernel_mean(kernel, x, data).shift
    place = x[kernel_mean(kernel, x, data).log_mass.argmax()][None]
    for _ in range(_ITERATIONS):
        shift = kernel_mean(kernel, place, data).shift
        place = place + shift
        if shift.norm() < _CLOSE * kernel.bandwidth:
            break
    for _ in range(_POLISH):
        slope = attraction_slope(kernel, place, data)[0]
        identity = torch.eye(len(slope), dtype=slope.dtype)
        place = place + torch.linalg.solve(identity - slope, kernel_mean(kernel, place, data).shift[0])
    slope = attraction_slope(kernel, place, data)[0]
    left = float(kernel_mean(kernel, place, data).shift.norm())
    if left > 1e-10 * kernel.bandwidth or float(torch.linalg.eigvalsh(slope).max()) >= 1:
        raise ValueError(f"no mode was found: a mean shift of {left:.1e} is left")
    return Mode(place[0], slope)


def attraction_slope(kernel: Weighted, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"]) -> Float[Tensor, "n d d"]:
    """∂(M_p + x)/∂x: V's derivative through the query of particles that are alone, whose own weight is constant."""
    return torch.cat([derivatives(kernel, each[None], data).query for each in x])


@dataclass(frozen=True)
class Growth:
    """Rates of the spread [d] and of the centre [d], ascending; a positive one grows."""

    spread: np.ndarray
    centre: np.ndarray

    @property
    def verdict(self) -> str:
        """`stable`, `unstable`, or `neutral` where the linear theory does not decide."""
        largest = max(self.spread.max(), self.centre.max())
        scale = max(np.abs(self.spread).max(), np.abs(self.centre).max())
        return "neutral" if abs(largest) < 1e-4 * scale else "unstable" if largest > 0 else "stable"

    def eigenvalues(self, n: int) -> np.ndarray:
        """Of n particles: the spread has n − 1 directions for each of the centre's."""
        return np.sort(np.concatenate([np.repeat(self.spread, n - 1), self.centre]))


def predicted(slope: Float[Tensor, "d d"], paths: str) -> Growth:
    """The table of the module's docstring, from the eigenvalues of `slope`, J at the mode."""
    j = torch.linalg.eigvalsh(slope).numpy()
    spread, centre = {
        "none": (j, j - 1),
        "both": (-(j**2), -((j - 1) ** 2)),
        "query": (-(j**2), -j * (j - 1)),
        "samples": (0 * j, j - 1),
    }[paths]
    return Growth(np.sort(spread), np.sort(centre))


def jacobian(kernel: Weighted, at: Mode, data: Float[Tensor, "m d"], n: int, paths: str) -> np.ndarray:
    """∂(velocity of particle i)/∂(particle j) [n, d, n, d] of n particles at the mode, by central differences."""
    d, step = len(at.place), 1e-5 * kernel.bandwidth
    collapsed = at.place.repeat(n, 1)
    columns = []
    for one in torch.eye(n * d, dtype=collapsed.dtype).reshape(n * d, n, d):
        ahead, behind = (derivatives(kernel, collapsed + s * step * one, data).descent(paths) for s in (1, -1))
        columns.append((ahead - behind) / (2 * step))
    return torch.stack(columns, dim=2).reshape(n, d, n, d).numpy()


def measured(kernel: Weighted, at: Mode, data: Float[Tensor, "m d"], n: int, paths: str) -> tuple[Growth, np.ndarray]:
    """The rates from the Jacobian of n particles, and all its eigenvalues [n·d], ascending.

    Particles that lie in one place are exchangeable: the blocks of the Jacobian are S + T on the diagonal and T off
    it, the spread's rates are the eigenvalues of S and the centre's those of S + nT.
    """
    whole = jacobian(kernel, at, data, n, paths)
    d = whole.shape[1]
    blocks = whole.transpose(0, 2, 1, 3)
    diagonal = np.einsum("iide->de", blocks) / n
    others = (blocks.sum(axis=(0, 1)) - n * diagonal) / (n * (n - 1))
    spread, centre = (
        np.sort(np.linalg.eigvals(each).real) for each in (diagonal - others, diagonal + (n - 1) * others)
    )
    return Growth(spread, centre), np.sort(np.linalg.eigvals(whole.reshape(n * d, n * d)).real)


@dataclass(frozen=True)
class Cloud:
    """Of particles over `times` [t]: their standard deviation, how far the centre is from the mode, and mean |V|²."""

    times: np.ndarray
    std: np.ndarray
    way: np.ndarray
    loss: np.ndarray


def follow(
    kernel: Weighted, at: Mode, data: Float[Tensor, "m d"], start: Float[Tensor, "n d"], times: np.ndarray, paths: str
) -> Cloud:
    """The particles from `start` under the policy, by an adaptive Runge–Kutta method (order 5(4))."""

    def velocity(_: float, flat: np.ndarray) -> np.ndarray:
        x = at.place + torch.from_numpy(flat).reshape(start.shape)
        return derivatives(kernel, x, data).descent(paths).flatten().numpy()

    first = (start - at.place).flatten().numpy()  # ways from the mode, so that the relative tolerance is theirs
    found = integrate.solve_ivp(velocity, (0, times[-1]), first, t_eval=times, rtol=1e-4, atol=1e-6 * kernel.bandwidth)
    states = [at.place + torch.from_numpy(state.copy()).reshape(start.shape) for state in found.y.T]
    std = [float((x - x.mean(dim=0)).square().sum(dim=1).mean().sqrt()) for x in states]
    way = [float((x.mean(dim=0) - at.place).norm()) for x in states]
    loss = [float(derivatives(kernel, x, data).drift.square().sum(dim=1).mean()) for x in states]
    return Cloud(found.t, np.array(std), np.array(way), np.array(loss))
