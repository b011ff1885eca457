"""The energy distance as a discrepancy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class Energy:
    r"""Half the energy distance (Székely & Rizzo 2013), the MMD of the kernel $-|x - y|$, which has no bandwidth:

    $$D = \mathbb E|x - y| - \tfrac12\mathbb E|x - x'| - \tfrac12\mathbb E|y - y'|, \qquad
    -N\partial_{x_i}D = \tfrac1M\sum_j\frac{y_j - x_i}{|y_j - x_i|}
    - \tfrac1N\sum_{l\ne i}\frac{x_l - x_i}{|x_l - x_i|}.$$

    The distances are built as an array.
    """

    abilities: ClassVar[Abilities] = Abilities(uses_kernel=False)

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        def mean(rows: Tensor, columns: Tensor) -> Tensor:
            return torch.cdist(rows, columns, compute_mode="donot_use_mm_for_euclid_dist").mean()

        return mean(x, data) - (mean(x, x) + mean(data, data)) / 2
