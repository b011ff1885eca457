"""A one-pass approximation of the Sinkhorn drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.drift.base import AtFactors, Data, Queries, Samples, SelfTerm
from drift_cli.fused import kernel_mean, log_masses
from drift_cli.kernels import Kernel
from drift_cli.setting import Checked


@dataclass(frozen=True)
class SinkhornProxy(Checked, AtFactors):
    r"""A one-pass approximation of the Sinkhorn drift (Gretton et al. 2605.05118, as reconstructed):

    $$V_i = m_i^+ m_i^-\Big(\frac{\sum_j A^+_{ij}y_j}{m_i^+} - \frac{\sum_l A^-_{il}x_l}{m_i^-}\Big), \qquad
    A_{ij} = \sqrt{\frac{k_{ij}}{\sum_{j'}k_{ij'}}\,\frac{k_{ij}}{\sum_{i'}k_{i'j}}},$$

    $A^+$ of the queries with the data and $A^-$ with the model's samples, each normalised separately, and $m^\pm$ their
    row sums. The doubly normalised drift (`batch_normalized`) normalises the rows of both together.

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
        masked = paired and self.self_term == "exclude"
        drifts = []
        for factor in factors:
            toward, log_attraction = _mean(kernel.scaled(factor), x, data, masked=False)
            away, log_repulsion = _mean(kernel.scaled(factor), x, model, masked=masked)
            drifts.append((log_attraction + log_repulsion).exp().unsqueeze(-1) * (toward - away))
        return drifts


def _mean(kernel: Kernel, x: Tensor, points: Tensor, *, masked: bool) -> tuple[Tensor, Tensor]:
    """The mean of the points under the rows of A, seen from x, and the log of its row sums."""
    rows = log_masses(kernel, (1.0,), x, points, exclude_diagonal=masked)[0]
    columns = log_masses(kernel, (1.0,), points, x, exclude_diagonal=masked)[0]
    mean = kernel_mean(kernel, x, points, log_weights=-columns / 2, exclude_diagonal=masked)
    return mean.shift, mean.log_mass - rows / 2
