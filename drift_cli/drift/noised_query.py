r"""The noised-query drift (ours): the drift at a query with noise, applied at the query,

$$V_\xi(x) = \frac1K\sum_{k=1}^K V(x + \sigma\xi_k), \qquad \xi_k \sim N(0, I), \qquad
\mathbb E\,V_\xi(x) = (G_\sigma * V)(x).$$

With a Gaussian kernel, σ its bandwidth and every sample counted, the expectation is σ² times the exact Wasserstein
velocity of $\mathrm{KL}(G_\sigma * q\,\|\,G_\sigma * p)$: unlike the drift itself it descends that energy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.drift.base import Drift
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class NoisedQuery:
    """`draws` noises a query, from `generator` (or torch's own)."""

    base: Drift
    draws: int
    generator: torch.Generator | None = None

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
