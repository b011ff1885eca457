"""The KL divergence of the smoothed samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.errors import UserError
from drift_cli.fused import log_masses
from drift_cli.kernels import Gaussian, Kernel
from drift_cli.rules import at_least
from drift_cli.setting import Checked, Setting


def _gaussian(kernel: Kernel) -> None:
    """Raise `UserError` where the noise is not that of the kernel."""
    if not isinstance(kernel, Gaussian):
        raise UserError(
            "The noise of drift.discrepancy=smoothed_kl is Gaussian, with the kernel's bandwidth as its standard "
            f"deviation, but the kernel is {type(kernel).__name__}: choose kernel=gaussian."
        )


@dataclass(frozen=True)
class SmoothedKl(Checked):
    r"""The KL divergence of the smoothed samples, $F_\sigma = \mathrm{KL}(G_\sigma * q\,\|\,G_\sigma * p)$ (Turan &
    Ovsjanikov, eq. 12), with a Gaussian kernel of bandwidth σ:

    $$F_\sigma = \frac1N\sum_i\mathbb E_\xi\,\log\frac{q_\sigma}{p_\sigma}(x_i + \sigma\xi), \qquad
    -N\partial_{x_i}F_\sigma = \frac1{\sigma^2}\,\mathbb E_\xi\,V(x_i + \sigma\xi),$$

    V the mean-shift drift: the derivative through the centres of $q_\sigma$ has the expectation zero. The expectation
    is over `draws` fresh normal ξ of each sample; `drift=noised_query` is the closed form, with less variance.
    """

    draws: Annotated[int, Setting("noise draws per sample at every step", (partial(at_least, least=1),))]
    abilities: ClassVar[Abilities] = Abilities(check_kernel=_gaussian)

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        shape = (self.draws, *x.shape)
        noise = torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)
        return at_noise(kernel, x, data, noise, noise.new_full((self.draws,), 1 / self.draws))


def at_noise(
    kernel: Kernel,
    x: Float[Tensor, "n d"],
    data: Float[Tensor, "m d"],
    noise: Float[Tensor, "k n d"],
    weights: Float[Tensor, " k"],
) -> Float[Tensor, ""]:
    """F_σ with the expectation over the given ξ and their weights."""
    queries = (x + kernel.bandwidth * noise).flatten(0, 1)
    log_ratio = log_masses(kernel, (1.0,), queries, x)[0] - log_masses(kernel, (1.0,), queries, data)[0]
    log_ratios: Tensor = log_ratio.unflatten(0, noise.shape[:2])
    return weights @ log_ratios.mean(dim=1) + math.log(len(data) / len(x))
