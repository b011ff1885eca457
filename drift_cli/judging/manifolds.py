"""Fidelity and diversity."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_NEIGHBOURS = 5


@dataclass(frozen=True)
class Manifolds:
    r"""Fidelity and diversity by balls that reach to the k-th neighbour, $B(x_i)$ of real and $B(y_j)$ of generated
    images.

    Precision: the share of the $y_j$ in any $B(x_i)$; recall: that of the $x_i$ in any $B(y_j)$ (Kynkäänniemi et al.
    2019). Density: $\frac1{km}\sum_{ij}1[y_j\in B(x_i)]$; coverage: the share of the $B(x_i)$ with any $y_j$ in them
    (Naeem et al. 2020, eqs. 3 and 4), of two samples of one distribution $1 - 2^{-k}$ at equal large sizes, .969 for k
    = 5.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifolds(real: Float[Tensor, "n d"], generated: Float[Tensor, "m d"]) -> Manifolds:
    """Of features; n·m distances are held. At most n − 1 (or m − 1) neighbours count in a small sample."""
    between = torch.cdist(real.double(), generated.double())
    around_real = between <= _radii(real)[:, None]
    return Manifolds(
        precision=float(around_real.any(dim=0).double().mean()),
        recall=float((between <= _radii(generated)).any(dim=1).double().mean()),
        density=float(around_real.double().sum() / (_NEIGHBOURS * len(generated))),
        coverage=float(around_real.any(dim=1).double().mean()),
    )


def _radii(x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """The distance of each point to its k-th neighbour, itself not counted."""
    return torch.cdist(x.double(), x.double()).kthvalue(min(_NEIGHBOURS + 1, len(x)), dim=1).values
