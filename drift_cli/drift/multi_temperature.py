"""A sum of drifts over several bandwidths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities, abilities
from drift_cli.catalogue import check_member, find
from drift_cli.drift.base import AtFactors, Data, Field, Queries, Samples, SelfTerm
from drift_cli.kernels import Kernel
from drift_cli.ranks.pairs import mean_over_all
from drift_cli.rules import between, one_of
from drift_cli.setting import Checked, Setting

_BASES = ("mean_shift", "batch_normalized")  # those that take several bandwidths at once and vanish at q = p
is_a_base = partial(check_member, group="drift", choices=_BASES, needs="at_factors", settings=("self_term",))
Factors = Annotated[
    tuple[float, ...], Setting("each multiplies kernel.bandwidth", (partial(between, low=1e-6, high=1e6),))
]
Normalize = Annotated[
    str,
    Setting("rms: divide each V by its root mean square before summing", (partial(one_of, choices=("none", "rms")),)),
]


@dataclass(frozen=True)
class MultiTemperature(Checked):
    r"""A sum of drifts over several bandwidths (both papers' multi-scale drift):

    $$V = \sum_c V_{c\tau}, \qquad\text{or with } \texttt{normalize=rms}\quad
    V = \sum_c \frac{V_{c\tau}}{\sqrt{\operatorname{mean}_{i,k} (V_{c\tau})_{ik}^2}}.$$

    The second is Deng et al.'s: every scale then acts with the same strength, the loss is constant for every batch, and
    V no longer vanishes at q = p.

    Called like every drift, [n, d] for queries [n, d]. `factors` multiply the kernel's bandwidth; `base` is the drift
    at each of them.
    """

    base: AtFactors
    factors: Factors
    normalize: bool

    @classmethod
    def from_settings(
        cls,
        self_term: SelfTerm,
        base: Annotated[str, Setting("the drift at each bandwidth", (is_a_base,))],
        factors: Factors,
        normalize: Normalize,
    ) -> MultiTemperature:
        return cls(find("drift", base)(self_term), factors, normalize == "rms")

    @property
    def abilities(self) -> Abilities:
        base = abilities(self.base)
        return replace(base, scales=base.scales and not self.normalize, constant_norm=self.normalize)

    def __call__(
        self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool, **weights: Tensor | None
    ) -> Field:
        total = torch.zeros_like(x)
        for drift in self.base.at_factors(kernel, self.factors, x, data, model, paired=paired, **weights):
            total = total + (unit_rms(drift) if self.normalize else drift)
        return total


def unit_rms(drift: Float[Tensor, "*c n d"]) -> Field:
    """The drift divided by the root mean square of its entries, per class; a zero drift stays zero."""
    rms = mean_over_all(drift.square(), (-2, -1), keepdim=True).sqrt()
    return drift / torch.where(rms > 0, rms, torch.ones_like(rms))
