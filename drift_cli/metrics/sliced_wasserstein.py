r"""The sliced Wasserstein distance of two samples of the same size,

$$SW_2(x, y) = \Big(\frac1{L}\sum_{\theta}\frac1n\sum_i
\big((\theta^\top x)_{(i)} - (\theta^\top y)_{(i)}\big)^2\Big)^{1/2},$$

over L random directions. POT computes the same number (the tests hold ours to it) through a general quantile
function; for equal sizes sorting is enough, and NumPy's vectorised sort makes 100,000 points cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.data.noise import normal


@dataclass(frozen=True)
class Distance:
    """A distance and its floor (the same distance between two samples of the target), mean ± sd over draws."""

    value: float
    value_sd: float | None
    floor: float
    floor_sd: float | None


def directions(count: int, dimension: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "l d"]:
    """`count` unit vectors, uniform on the sphere."""
    vectors = normal(count, dimension, generator=generator, dtype=dtype)
    return vectors / vectors.norm(dim=1, keepdim=True)


def sliced_wasserstein(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], theta: Float[Tensor, "l d"]) -> float:
    """SW_2 between two samples of one size along the directions `theta`. Raises `ValueError` for two sizes."""
    if len(x) != len(y):
        raise ValueError(f"the samples must have one size, got {len(x)} and {len(y)}")
    gaps = _sorted(theta @ x.T) - _sorted(theta @ y.T)
    return float(gaps.double().square().mean().sqrt())


def _sorted(rows: Float[Tensor, "l n"]) -> Float[Tensor, "l n"]:
    if rows.device.type == "cpu":  # NumPy sorts with SIMD: 16 times faster than torch at 200 × 100,000
        return torch.from_numpy(np.sort(rows.numpy(), axis=1))
    return rows.sort(dim=1).values
