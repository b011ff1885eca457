r"""Kernel-weighted means over all pairs, the sum at the core of drifting.

For queries $x_i$ and points $y_j$ with optional log weights $\ell_j$,

$$\log m_i = \log\sum_j e^{\ell_j} k(x_i, y_j), \qquad
M_i = \frac{\sum_j e^{\ell_j} k(x_i, y_j)\,(y_j - x_i)}{m_i}$$

(the mean shift of Turan & Ovsjanikov, eq. 4 as reconstructed). The row's largest exponent is subtracted first, so both
are finite at any distance. No N×M array is built.

For C classes of one size, x [C, n, d] and y [C, m, d], each class uses only its own points, all in one call; the result
equals one call per class.

If several processes share the rows of every set, the sums run over the points of all (`drift_cli/ranks/pairs.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.fused import eager, operator
from drift_cli.fused.terms import terms_of
from drift_cli.kernels import Kernel
from drift_cli.ranks import pairs


@dataclass(frozen=True)
class KernelMean:
    """`shift` [n, d] is M_i, the weighted mean of the points seen from the query; `log_mass` [n] is log m_i.

    With classes [C, n, d] and [C, n].
    """

    shift: Float[Tensor, "*c n d"]
    log_mass: Float[Tensor, "*c n"]


def kernel_mean(
    kernel: Kernel,
    x: Float[Tensor, "*c n d"],
    y: Float[Tensor, "*c m d"],
    *,
    log_weights: Float[Tensor, "*c m"] | None = None,
    exclude_diagonal: bool = False,
) -> KernelMean:
    r"""$M_i$ and $\log m_i$ for every row $x_i$ of x, with $w_{ij} = e^{\ell_j}k(x_i, y_j)$:

    $$M_i = \sum_j w_{ij}(y_j - x_i)\Big/\sum_j w_{ij}, \qquad m_i = \sum_j w_{ij}$$

    (the mean shift of Turan & Ovsjanikov, eq. 4 as reconstructed). `log_weights` [m] are ℓ, by default 0. First
    derivatives in x, y and ℓ; float32 or float64, on the CPU or a GPU. With classes, x [C, n, d], y [C, m, d] and ℓ [C,
    m].

    `exclude_diagonal` excludes the pair (i, i): row i of x and of y are the same sample. y may have more rows, which
    are never excluded. Raises `ValueError` for empty sets, for tensors of different dimension, dtype or device, and if
    a row has no point left.
    """
    return kernel_means(kernel, (1.0,), x, y, log_weights=log_weights, exclude_diagonal=exclude_diagonal)[0]


def kernel_means(
    kernel: Kernel,
    factors: tuple[float, ...],
    x: Float[Tensor, "*c n d"],
    y: Float[Tensor, "*c m d"],
    *,
    log_weights: Float[Tensor, "*c m"] | None = None,
    exclude_diagonal: bool = False,
) -> list[KernelMean]:
    """`kernel_mean` at several bandwidths, `factors` times the kernel's, in one pass over the pairs."""
    shifts, masses = _evaluate(kernel, factors, x, y, log_weights, exclude_diagonal, mass_only=False)
    return [KernelMean(shift, mass) for shift, mass in zip(shifts, masses, strict=True)]


def log_masses(
    kernel: Kernel,
    factors: tuple[float, ...],
    x: Float[Tensor, "*c n d"],
    y: Float[Tensor, "*c m d"],
    *,
    log_weights: Float[Tensor, "*c m"] | None = None,
    exclude_diagonal: bool = False,
) -> list[Tensor]:
    """Only the log masses, [n] for each factor: cheaper than the means (Sinkhorn iterates these).

    With classes [C, n].
    """
    _, masses = _evaluate(kernel, factors, x, y, log_weights, exclude_diagonal, mass_only=True)
    return list(masses)


def _evaluate(
    kernel: Kernel,
    factors: tuple[float, ...],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude_diagonal: bool,
    *,
    mass_only: bool,
) -> tuple[Tensor, Tensor]:
    of_points = partial(_of_points, kernel, list(factors), mass_only)
    if (together := pairs.current()) is not None:
        return together.sums(of_points, x, y, log_weights, exclude_diagonal)
    return of_points(x, y, log_weights, exclude_diagonal)


def _of_points(
    kernel: Kernel,
    factors: list[float],
    mass_only: bool,
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude_diagonal: bool,
) -> tuple[Tensor, Tensor]:
    """Shifts and log masses of the points that are here, by the native loops where they know the kernel's terms."""
    check(x, y, log_weights, exclude_diagonal)
    terms = terms_of(kernel)
    if terms is not None:
        kinds, numbers = operator.packed(terms)
        found: tuple[Tensor, Tensor] = operator.kernel_mean(
            x, y, log_weights, kinds, numbers, factors, exclude_diagonal, mass_only
        )
        return found
    return eager.shifts_and_log_masses(kernel, tuple(factors), x, y, log_weights, exclude_diagonal)


def check(x: Tensor, y: Tensor, log_weights: Tensor | None, exclude_diagonal: bool) -> None:
    """Raise a one-line `ValueError` for tensors that do not match."""
    if x.ndim not in (2, 3) or y.ndim != x.ndim or x.shape[-1] != y.shape[-1] or x.shape[-1] == 0:
        raise ValueError(f"queries and points must be [n, d] and [m, d], got {tuple(x.shape)} and {tuple(y.shape)}")
    if x.shape[:-2] != y.shape[:-2] or 0 in x.shape[:-2]:
        raise ValueError(f"queries and points must be of the same classes, got {tuple(x.shape)} and {tuple(y.shape)}")
    n, m = x.shape[-2], y.shape[-2]
    others = [t for t in (y, log_weights) if t is not None]
    if any(t.dtype != x.dtype for t in others) or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"all tensors must be float32 or all float64, got {[str(t.dtype) for t in (x, *others)]}")
    if any(t.device != x.device for t in others):
        raise ValueError(f"all tensors must be on one device, got {[str(t.device) for t in (x, *others)]}")
    if m == 0:
        raise ValueError("there must be at least one point, got none")
    if log_weights is not None and log_weights.shape != y.shape[:-1]:
        raise ValueError(f"there must be one log weight per point, got {tuple(log_weights.shape)} for {m} points")
    if exclude_diagonal and m < 2:
        raise ValueError("exclude_diagonal leaves a row empty: it needs at least 2 points")
    if exclude_diagonal and n > m:
        raise ValueError(f"exclude_diagonal needs a point for every query, got {n} queries and {m} points")
