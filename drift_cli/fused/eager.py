r"""The eager reference of the one hot loop, in torch operations, a block of rows at a time.

Everything else is tested against it, and it replaces the native loops if they were not compiled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.kernels import Kernel

_BLOCK = 64  # rows at a time: with M = 2048 a block fits the cache; 256 rows measured 1.5 to 3 times slower
_DEVICE_BLOCK = 1024  # on a GPU, where each operation has to be worth its launch
_DIRECT_DIMENSIONS = 4  # up to here differences by coordinate are about as fast as a matrix product, and exact
_UNDERFLOW = -80.0  # exp below this is slow (subnormal) in float32 and adds nothing to a sum that is at least 1


def row_blocks(x: Float[Tensor, "n d"]) -> Iterator[slice]:
    """Consecutive runs of rows that cover x."""
    size = _BLOCK if x.device.type == "cpu" else _DEVICE_BLOCK
    for start in range(0, len(x), size):
        yield slice(start, min(start + size, len(x)))


def shift_and_log_mass(
    kernel: Kernel,
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    log_weights: Float[Tensor, " m"] | None,
    exclude_diagonal: bool,
    first: int = 0,
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
    """M_i = Σ_j w_ij (y_j − x_i) and log m_i for every row; x holds the rows from `first` on of the queries."""
    centre = y.detach().mean(dim=0)  # sums of centred points keep their digits far from the origin
    x, y = x - centre, y - centre
    between = _distances_to(y)
    shifts, masses = [], []
    for rows in row_blocks(x):
        block = x[rows]
        logits = kernel.log_profile(between(block))
        if log_weights is not None:
            logits = logits + log_weights
        if exclude_diagonal:
            row = torch.arange(len(block), device=x.device)
            logits = logits.index_put((row, row + (first + rows.start)), logits.new_tensor(-math.inf))
        top = logits.detach().amax(dim=1, keepdim=True)
        weights = (logits - top).clamp_min(_UNDERFLOW).exp()
        mass = weights.sum(dim=1, keepdim=True)
        shifts.append((weights @ y) / mass - block)
        masses.append((mass.log() + top).squeeze(1))
    return torch.cat(shifts), torch.cat(masses)


def shifts_and_log_masses(
    kernel: Kernel,
    factors: Sequence[float],
    x: Float[Tensor, "*c n d"],
    y: Float[Tensor, "*c m d"],
    log_weights: Float[Tensor, "*c m"] | None,
    exclude_diagonal: bool,
) -> tuple[Float[Tensor, "f *c n d"], Float[Tensor, "f *c n"]]:
    """`shift_and_log_mass` at each of `factors` times the bandwidth; of classes one by one."""
    if x.ndim == 3:
        weights = [None] * len(x) if log_weights is None else log_weights
        parts = [
            shifts_and_log_masses(kernel, factors, *own, exclude_diagonal) for own in zip(x, y, weights, strict=True)
        ]
    else:
        parts = [shift_and_log_mass(kernel.scaled(f), x, y, log_weights, exclude_diagonal) for f in factors]
    shifts, masses = zip(*parts, strict=True)
    return torch.stack(shifts, dim=x.ndim - 2), torch.stack(masses, dim=x.ndim - 2)


def _distances_to(y: Float[Tensor, "m d"]) -> Callable[[Float[Tensor, "n d"]], Float[Tensor, "n m"]]:
    """x ↦ |x_i − y_j|: by differences of coordinates in low dimension, by a matrix product above."""
    if is_direct(y):
        coordinates = y.T.contiguous()
        return lambda x: root(sum_of_squares(x, coordinates))
    return lambda x: torch.cdist(x, y)


def is_direct(y: Float[Tensor, "m d"]) -> bool:
    """Whether distances are taken by differences of coordinates."""
    return bool(y.shape[1] <= _DIRECT_DIMENSIONS)


def norms(differences: list[Tensor]) -> Tensor:
    """The Euclidean norm of vectors given by their coordinates, elementwise."""
    total = differences[0].square()
    for difference in differences[1:]:
        total = total.addcmul_(difference, difference)
    return total.sqrt_()


def sum_of_squares(x: Float[Tensor, "n d"], coordinates: Float[Tensor, "d m"]) -> Float[Tensor, "n m"]:
    """|x_i − y_j|² with y given by its coordinates, one row each."""
    total = (x[:, :1] - coordinates[0]).square()
    for k in range(1, x.shape[1]):
        total = total + (x[:, k : k + 1] - coordinates[k]).square()
    return total


def root(squared: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
    """The square root, whose derivative at zero is taken as zero: two points that coincide do not move each other."""
    if not squared.requires_grad:
        return squared.sqrt()
    positive = squared > 0
    return torch.where(positive, torch.where(positive, squared, 1.0).sqrt(), 0.0)
