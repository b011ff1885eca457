r"""A sum of drifts over several bandwidths (both papers' multi-scale drift):

$$V = \sum_c V_{c\tau}, \qquad\text{or with } \texttt{normalize=rms}\quad
V = \sum_c \frac{V_{c\tau}}{\sqrt{\operatorname{mean}_{i,k} (V_{c\tau})_{ik}^2}}.$$

The second is Deng et al.'s: every scale then acts with the same strength, the loss becomes a constant of the
batch, and V no longer vanishes at q = p.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.drift.base import AtFactors
from drift_cli.kernels import Kernel


@dataclass(frozen=True)
class MultiTemperature:
    """`factors` multiply the kernel's bandwidth; `base` is the drift at each of them."""

    base: AtFactors
    factors: tuple[float, ...]
    normalize: bool

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
        for drift in self.base.at_factors(kernel, self.factors, x, data, model, paired=paired):
            total = total + (unit_rms(drift) if self.normalize else drift)
        return total


def unit_rms(drift: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """The drift divided by the root mean square of its entries; an identically zero drift stays zero."""
    rms = drift.square().mean().sqrt()
    return drift / torch.where(rms > 0, rms, torch.ones_like(rms))
