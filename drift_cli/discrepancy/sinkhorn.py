"""The Sinkhorn divergence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.kernels import Kernel
from drift_cli.setting import Checked
from drift_cli.transport import Coupling, couple, couple_with_itself
from drift_cli.transport.coupling import row_potential
from drift_cli.transport.settings import Epsilon, MaxIter, Tolerance
from drift_cli.transport.tally import Tally


@dataclass
class Sinkhorn(Checked):
    r"""The Sinkhorn divergence, $S_\varepsilon = OT_\varepsilon(q, p) - (OT_\varepsilon(q, q) + OT_\varepsilon(p,
    p))/2$.

    Each term is its dual value $\sum_i a_i f_i + \sum_j b_j g_j$ with the potentials g held fast: at the optimum
    nothing is gained by moving them, so the gradient needs no derivative of the iterations. `drift=sinkhorn` is its
    closed form.
    """

    epsilon: Epsilon
    tol: Tolerance
    max_iter: MaxIter
    abilities: ClassVar[Abilities] = Abilities(uses_kernel=False)
    tally: Tally = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tally = Tally(self.tol, self.max_iter)

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        with torch.no_grad():
            cross = couple(x, data, self.epsilon, tol=self.tol, max_iter=self.max_iter)
            ours, theirs = (
                couple_with_itself(samples, self.epsilon, tol=self.tol, max_iter=self.max_iter) for samples in (x, data)
            )
        self.tally.add(cross, ours)
        self_terms = dual_value(x, x, ours) + dual_value(data, data, theirs)
        return dual_value(x, data, cross) - self_terms / 2


def dual_value(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], plan: Coupling) -> Float[Tensor, ""]:
    """OT_ε of uniform rows x, attached to x and to y."""
    rows = row_potential(x, y, plan.potential, plan.log_weights, plan.epsilon)
    return rows.mean() + plan.log_weights.exp() @ plan.potential
