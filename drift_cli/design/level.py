r"""The occupation of bandwidths that makes the slowest mode fastest (ours).

With $\lambda(\sigma k)$ the rate of mode k at bandwidth σ, and shares μ of the time spent there (a schedule) or of one
kernel's integral given to it (a mixture), every mode decays at $\int\lambda(\sigma k)\,\mu(d\sigma)$. The best are

$$v = \max_\mu\ \min_k\ \int \lambda(\sigma k)\,d\mu(\sigma),$$

a linear programme whose optimum has finitely many bandwidths.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_GRID_PER_E = 40  # bandwidths of the first programme for each factor e
_REFINEMENTS = 3  # later ones, each on bandwidths around those that the one before chose
_NEAR = 0.03  # logarithms this close are one bandwidth: rates change over a factor e, so v loses under 1e-3
_NEGLIGIBLE = 1e-7  # a share that is rounding of the programme's solver

Rates = Callable[[np.ndarray], np.ndarray]  # λ(u) of u = σk, elementwise


@dataclass(frozen=True)
class Occupation:
    """Bandwidths from the largest, the share of each (sum 1), and v, the least mean rate of any mode."""

    bandwidths: np.ndarray
    shares: np.ndarray
    rate: float


def level(rate: Rates, k: Float[np.ndarray, " k"], smallest: float, largest: float) -> Occupation:
    """The best occupation for the modes `k` with bandwidths in [smallest, largest].

    A programme on a logarithmic grid, then on ever finer grids around the bandwidths that it chose; at last those
    that lie beside each other are made one. The rate is that of the occupation returned, so it is reached.
    """
    count = max(2, math.ceil(_GRID_PER_E * math.log(largest / smallest)) + 1) if largest > smallest else 1
    grid = np.geomspace(smallest, largest, count)
    spacing = math.log(largest / smallest) / max(count - 1, 1)
    shares = _programme(rate, k, grid)
    for _ in range(_REFINEMENTS):
        chosen = grid[shares > _NEGLIGIBLE]
        around = chosen[:, None] * np.exp(np.linspace(-spacing, spacing, 17))
        grid, spacing = np.unique(np.clip(around, smallest, largest)), spacing / 8
        shares = _programme(rate, k, grid)
    bandwidths = _merged(grid[shares > _NEGLIGIBLE], shares[shares > _NEGLIGIBLE])
    shares = _programme(rate, k, bandwidths)
    used = shares > _NEGLIGIBLE
    bandwidths, shares = bandwidths[used][::-1], (shares[used] / shares[used].sum())[::-1]
    return Occupation(bandwidths, shares, float((rate(bandwidths * k[:, None]) @ shares).min()))


def _programme(rate: Rates, k: np.ndarray, bandwidths: np.ndarray) -> np.ndarray:
    """Shares over `bandwidths` that make the slowest mode fastest."""
    from scipy.optimize import linprog  # not at the top: every training imports this file, and hardly any solves it

    rates = rate(bandwidths[None, :] * k[:, None])
    count = len(bandwidths)
    for method in ("highs", "highs-ipm"):  # where nearly equal columns stop the simplex, interior points go on
        found = linprog(
            np.append(np.zeros(count), -1.0),
            A_ub=np.hstack([-rates, np.ones((len(k), 1))]),
            b_ub=np.zeros(len(k)),
            A_eq=np.append(np.ones(count), 0.0)[None, :],
            b_eq=[1.0],
            bounds=[(0, None)] * count + [(None, None)],
            method=method,
        )
        if found.x is not None:
            shares: np.ndarray = np.maximum(found.x[:-1], 0.0)
            return shares
    raise ArithmeticError(f"the linear programme of the occupation was not solved: {found.message}")


def _merged(bandwidths: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Bandwidths whose logarithms lie within `_NEAR` of their neighbour become their weighted mean."""
    groups = np.cumsum(np.diff(np.log(bandwidths), prepend=np.log(bandwidths[0])) > _NEAR)
    means = [np.average(np.log(bandwidths[groups == g]), weights=shares[groups == g]) for g in np.unique(groups)]
    centres: np.ndarray = np.exp(np.array(means))
    return centres
