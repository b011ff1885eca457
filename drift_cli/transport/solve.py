r"""Sinkhorn's iteration in the log domain, accelerated, until the marginal error is below a tolerance.

The L1 marginal error of the plan that row f and column g belong to is $\sum_j b_j\,|1 - e^{(g_j - g_j')/\varepsilon}|$
with $g'$ the next column update, so computing it costs no extra pass. The self problem has one potential, symmetrised:
$f \leftarrow \tfrac12(f + Tf)$, because $f \leftarrow Tf$ swings between two limits for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.transport.anderson import Anderson
from drift_cli.transport.coupling import Coupling, row_potential
from drift_cli.transport.start import gaussian_potential

_BALANCED = 1e-4  # relative difference of the two masses that rounding of float32 weights leaves


def couple(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    epsilon: float,
    *,
    tol: float,
    max_iter: int,
    a: Float[Tensor, " n"] | None = None,
    b: Float[Tensor, " m"] | None = None,
    start: Float[Tensor, " m"] | None = None,
    accelerate: bool = True,
) -> Coupling:
    """The plan of x (weights a, uniform by default) with y (weights b), its potential g on y.

    Ends at an L1 marginal error below `tol` or after `max_iter` iterations of two passes each. `start` is a first g;
    without it that of two Gaussians. Raises `ValueError` for weights that are negative or not of equal mass, and for
    ε, tol or max_iter out of range.
    """
    _check(epsilon, tol, max_iter)
    a, b = _weights(x, a), _weights(y, b)
    _check_balance(a, b)
    log_a, log_b = a.log(), b.log()
    g = gaussian_potential(x, y, a, b, epsilon) if start is None else start

    def update(g: Tensor) -> tuple[Tensor, Tensor]:
        moved = row_potential(y, x, row_potential(x, y, g, log_b, epsilon), log_a, epsilon)
        return moved, moved

    return _iterate(y, b, g, epsilon, update, tol, max_iter, accelerate)


def couple_with_itself(
    x: Float[Tensor, "n d"],
    epsilon: float,
    *,
    tol: float,
    max_iter: int,
    a: Float[Tensor, " n"] | None = None,
    start: Float[Tensor, " n"] | None = None,
    accelerate: bool = True,
) -> Coupling:
    """The plan of x with itself, diagonal and all: one potential for rows and columns, one pass an iteration."""
    _check(epsilon, tol, max_iter)
    a = _weights(x, a)
    _check_balance(a, a)
    log_a = a.log()
    f = torch.zeros_like(a) if start is None else start

    def update(f: Tensor) -> tuple[Tensor, Tensor]:
        moved = row_potential(x, x, f, log_a, epsilon)
        return moved, (f + moved) / 2

    return _iterate(x, a, f, epsilon, update, tol, max_iter, accelerate)


def _iterate(
    points: Tensor,
    weights: Tensor,
    g: Tensor,
    epsilon: float,
    update: Callable[[Tensor], tuple[Tensor, Tensor]],
    tol: float,
    max_iter: int,
    accelerate: bool,
) -> Coupling:
    """`update` gives the other side's answer to g, which the error compares it with, and the plain next iterate."""
    mixing, error = Anderson() if accelerate else None, math.inf
    for iteration in range(1, max_iter + 1):
        answer, following = update(g)
        error = float(weights @ ((g - answer) / epsilon).expm1().abs())
        if error < tol or iteration == max_iter:
            break
        g = following if mixing is None else mixing.next(g, following, error)
    return Coupling(points, following, weights.log(), epsilon, iteration, error)


def _weights(points: Tensor, given: Tensor | None) -> Tensor:
    return points.new_full((len(points),), 1 / len(points)) if given is None else given


def _check(epsilon: float, tol: float, max_iter: int) -> None:
    if not (math.isfinite(epsilon) and epsilon > 0):
        raise ValueError(f"epsilon must be a finite number above 0, got {epsilon}")
    if not tol > 0:
        raise ValueError(f"tol must be above 0, got {tol}")
    if max_iter < 1:
        raise ValueError(f"max_iter must be at least 1, got {max_iter}")


def _check_balance(a: Tensor, b: Tensor) -> None:
    rows, columns = float(a.sum()), float(b.sum())
    if bool((a < 0).any() | (b < 0).any()):
        raise ValueError("weights must not be negative")
    if not abs(rows - columns) <= _BALANCED * max(rows, columns) or abs(rows - 1) > _BALANCED:
        raise ValueError(f"the weights of both sides must sum to 1, got {rows:.6g} and {columns:.6g}")
