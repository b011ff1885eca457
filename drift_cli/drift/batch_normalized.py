"""The doubly normalised drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.drift.base import AtFactors, Data, Queries, Samples, SelfTerm
from drift_cli.fused import kernel_mean, log_masses
from drift_cli.kernels import Kernel
from drift_cli.setting import Checked


@dataclass(frozen=True)
class BatchNormalized(Checked, AtFactors):
    r"""The doubly normalised drift of Deng et al.'s toy code.

    Queries $x_i$ against the batch $t = [x_l, y_j]$, $K_{ij} = k(x_i, t_j)$, row sums $R_i$ over the whole batch,
    column sums $C_j$ over the queries, $\tilde K_{ij} = K_{ij}/\sqrt{R_i C_j}$ with blocks $a$ (data) and $b$ (model):

    $$V_i = \sum_{j,l} a_{ij}\,b_{il}\,(y_j - x_l) = A_i B_i\,(\bar y_i - \bar x_i),
    \qquad A_i = \sum_j a_{ij},\; B_i = \sum_l b_{il}.$$

    It is thus a mean-shift difference between the reweighted measures $p/\sqrt C$ and $q/\sqrt C$, times the gain
    $A_i B_i$, which vanishes far from the batch: the long range of the mean shift is lost. Dividing by the two sums is
    done in log space.

    `V(kernel, x, data, model, paired=…)` takes queries [n, d], data [m, d] and the model's samples [l, d] of one dtype
    and device, and returns [n, d], a length. `paired`: row i of x and of `model` are one sample, which
    `self_term="exclude"` excludes.
    """

    self_term: SelfTerm
    abilities: ClassVar[Abilities] = Abilities(
        differentiable=True, scales=True, capturable=True, batched=True, shareable=True
    )

    def at_factors(
        self, kernel: Kernel, factors: tuple[float, ...], x: Queries, data: Data, model: Samples, *, paired: bool
    ) -> list[Tensor]:
        """V at each factor of the bandwidth: the sums in one pass over the pairs, the means in one pass each."""
        masked = paired and self.self_term == "exclude"
        to_data = log_masses(kernel, factors, x, data)
        to_model = log_masses(kernel, factors, x, model, exclude_diagonal=masked)
        from_data = log_masses(kernel, factors, data, x)
        # As in training the queries are the model's samples, the sums over columns are those over rows; their
        # derivatives are not, where one of the two is held fast.
        if paired and not (x.requires_grad or model.requires_grad):
            from_model = to_model
        else:
            from_model = log_masses(kernel, factors, model, x, exclude_diagonal=masked)
        drifts = []
        for f, factor in enumerate(factors):
            scaled = kernel.scaled(factor)
            attraction = kernel_mean(scaled, x, data, log_weights=-from_data[f] / 2)
            repulsion = kernel_mean(scaled, x, model, log_weights=-from_model[f] / 2, exclude_diagonal=masked)
            rows = torch.logaddexp(to_data[f], to_model[f])
            log_gain = attraction.log_mass + repulsion.log_mass - rows  # A_i B_i, each with its own R_i^(-1/2)
            drifts.append(log_gain.exp().unsqueeze(-1) * (attraction.shift - repulsion.shift))
        return drifts
