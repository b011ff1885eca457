"""Several look-ahead steps of a drift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch

from drift_cli.abilities import Abilities, abilities
from drift_cli.catalogue import check_member, find
from drift_cli.drift.base import Data, Drift, Field, Queries, Samples, SelfTerm
from drift_cli.kernels import Kernel
from drift_cli.rules import finite
from drift_cli.setting import Checked, Setting

_BASES = ("mean_shift", "batch_normalized", "sinkhorn_proxy", "sharp")
_is_a_base = partial(check_member, group="drift", choices=_BASES, needs="__call__", settings=("self_term",))


Weights = Annotated[
    tuple[float, ...],
    Setting("one weight per look-ahead step; all 1: toward the end of the last step", (finite,)),
]


@dataclass(frozen=True)
class Lookahead(Checked):
    r"""Several look-ahead steps of a drift (2605.04060, the formula inferred): the samples move by their own drift,

    $$x_0 = x, \qquad x_k = x_{k-1} + V_k, \qquad V_k = V(x_{k-1};\,\text{data}, \{x_{k-1}\}), \qquad
    V = \sum_k w_k V_k.$$

    With all weights 1 the generator is trained toward $x_K$.

    Called like every drift, [n, d] for queries [n, d], a length. `weights` are w_1, …, w_K.
    """

    base: Drift
    weights: Weights

    @classmethod
    def from_settings(
        cls,
        self_term: SelfTerm,
        base: Annotated[str, Setting("the drift whose steps are looked ahead", (_is_a_base,))],
        weights: Weights,
    ) -> Lookahead:
        return cls(find("drift", base)(self_term), weights)

    @property
    def abilities(self) -> Abilities:
        return replace(abilities(self.base), capturable=False, weighted=False)

    def __call__(self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool) -> Field:
        """Unpaired queries follow the field of the samples, which move independently of them."""
        total = torch.zeros_like(x)
        for weight in self.weights:
            step = self.base(kernel, x, data, model, paired=paired)
            total = total + weight * step
            moved = step if paired else self.base(kernel, model, data, model, paired=model.shape[-2] > 1)
            x, model = x + step, model + moved
        return total
