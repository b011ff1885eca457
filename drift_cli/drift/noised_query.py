"""The drift averaged over noised queries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities, abilities
from drift_cli.drift.base import Drift, SelfTerm
from drift_cli.drift.mean_shift import MeanShift
from drift_cli.kernels import Kernel
from drift_cli.rules import at_least
from drift_cli.setting import Checked, Setting

Draws = Annotated[int, Setting("noise draws per query, averaged", (partial(at_least, least=1),))]


@dataclass(frozen=True)
class NoisedQuery(Checked):
    r"""The noised-query drift (ours): the drift at a query plus noise, applied at the query,

    $$V_\xi(x) = \frac1K\sum_{k=1}^K V(x + \sigma\xi_k), \qquad \xi_k \sim N(0, I), \qquad
    \mathbb E\,V_\xi(x) = (G_\sigma * V)(x).$$

    With a Gaussian kernel of bandwidth σ and every sample counted, the expectation is σ² times the exact Wasserstein
    velocity of $\mathrm{KL}(G_\sigma * q\,\|\,G_\sigma * p)$: unlike the drift itself, it descends that energy.

    Called like every drift, [n, d] for queries [n, d], a length. `draws` is K, the number of noise draws per query,
    from `generator` (or torch's own).
    """

    base: Drift
    draws: Draws
    generator: torch.Generator | None = None

    @classmethod
    def from_settings(
        cls,
        self_term: SelfTerm,
        draws: Draws,
    ) -> NoisedQuery:
        return cls(MeanShift(self_term), draws)

    @property
    def abilities(self) -> Abilities:
        return replace(
            abilities(self.base), scales=False, capturable=False, batched=False, weighted=False, shareable=False
        )

    def drawing_from(self, generator: torch.Generator) -> NoisedQuery:
        return replace(self, generator=generator)

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        total = torch.zeros_like(x)
        for _ in range(self.draws):
            noise = torch.randn(x.shape, generator=self.generator, device=x.device, dtype=x.dtype)
            total = total + self.base(kernel, x + kernel.bandwidth * noise, data, model, paired=paired)
        return total / self.draws
