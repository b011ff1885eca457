"""The sliced Wasserstein distance as a discrepancy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.kernels import Kernel
from drift_cli.metrics.sliced_wasserstein import directions
from drift_cli.rules import at_least
from drift_cli.setting import Checked, Setting


@dataclass(frozen=True)
class SlicedWasserstein(Checked):
    r"""Half the squared sliced Wasserstein distance, over fresh random directions θ at every call:

    $$D = \frac1{2L}\sum_\theta W_2^2(\theta_\# q, \theta_\# p),
    \qquad -N\partial_{x_i}D = \frac1L\sum_\theta\theta\,
    \big(\bar F^{-1}_{p,\theta}(\mathrm{rank}_\theta\,x_i) - \theta\cdot x_i\big),$$

    $\bar F^{-1}$ the mean of the data's quantile function over the interval that the sample's rank stands for. A
    translation decays at the rate $1/d$ in d dimensions.
    """

    projections: Annotated[
        int, Setting("number of random directions, redrawn at every step", (partial(at_least, least=1),))
    ]
    abilities: ClassVar[Abilities] = Abilities(uses_kernel=False)

    def __call__(
        self, kernel: Kernel, x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], generator: torch.Generator
    ) -> Float[Tensor, ""]:
        theta = directions(self.projections, x.shape[1], generator, x.dtype)
        return along(x, data, theta)


def along(x: Float[Tensor, "n d"], data: Float[Tensor, "m d"], theta: Float[Tensor, "l d"]) -> Float[Tensor, ""]:
    """D over the given unit directions: the two quantile functions are constant between the ranks of either set."""
    ours, theirs = (x @ theta.T).sort(dim=0).values, (data @ theta.T).sort(dim=0).values
    if len(x) == len(data):
        return (ours - theirs).square().mean() / 2
    ranks = torch.cat([torch.arange(1, len(s) + 1, device=x.device, dtype=torch.float64) / len(s) for s in (x, data)])
    ends = ranks.sort().values
    lengths = torch.diff(ends, prepend=ends.new_zeros(1))
    middles = ends - lengths / 2
    at = [(middles * len(s)).long().clamp_max(len(s) - 1) for s in (x, data)]
    squares = (ours[at[0]] - theirs[at[1]]).square().mean(dim=1)
    return (lengths.to(x.dtype) * squares).sum() / 2
