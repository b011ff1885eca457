"""The energy distance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_AT_ONCE = 2**22  # distances held at a time


def energy_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> float:
    r"""The energy distance of two samples, $2\,\mathbb E|x - y| - \mathbb E|x - x'| - \mathbb E|y - y'|$ (Székely &
    Rizzo 2013), means over all pairs: never below zero, and of two samples of one distribution about $2\,\mathbb
    E|x - x'|/n$.

    It has no bandwidth and no directions. A mode that is lost in many dimensions moves it little: compare it with its
    floor.
    """
    return 2 * _mean(x, y) - _mean(x, x) - _mean(y, y)


def _mean(rows: Tensor, columns: Tensor) -> float:
    few = rows.split(max(1, _AT_ONCE // len(columns)))
    return sum(float(torch.cdist(some, columns).double().sum()) for some in few) / (len(rows) * len(columns))
