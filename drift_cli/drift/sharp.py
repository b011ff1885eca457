"""The sharply normalised drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from drift_cli.abilities import Abilities
from drift_cli.drift.base import Data, Field, Queries, Samples, SelfTerm
from drift_cli.fused import kernel_mean, log_masses
from drift_cli.kernels import Kernel
from drift_cli.kernels.sharp import Companion, companion
from drift_cli.setting import Checked


def _has_companion(kernel: Kernel) -> None:
    companion(kernel)


@dataclass(frozen=True)
class Sharp(Checked):
    r"""The sharply normalised drift (Franz et al. 2604.06333, as reconstructed), a score difference with any kernel:

    $$V = \frac{N_p}{p_{k^\sharp}} - \frac{N_q}{q_{k^\sharp}} = \nabla\log\frac{p_{k^\sharp}}{q_{k^\sharp}},
    \qquad N_p(x) = \sum_j k(x, y_j)\,(y_j - x), \quad p_{k^\sharp}(x) = \sum_j k^\sharp(x, y_j),$$

    with the companion $k^\sharp$ of `kernels/sharp.py`. With a Gaussian kernel it is the mean-shift drift over σ².

    `V(kernel, x, data, model, paired=…)` takes queries [n, d], data [m, d] and the model's samples [l, d] of one dtype
    and device, and returns [n, d], one over a length. `paired`: row i of x and of `model` are one sample, which
    `self_term="exclude"` excludes. Raises `UserError` for a kernel that has no companion.
    """

    self_term: SelfTerm
    abilities: ClassVar[Abilities] = Abilities(
        check_kernel=_has_companion, differentiable=True, capturable=True, batched=True, shareable=True
    )

    def __call__(self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool) -> Field:
        sharp = companion(kernel)

        masked = paired and self.self_term == "exclude"
        return _score(kernel, sharp, x, data, False) - _score(kernel, sharp, x, model, masked)


def _score(kernel: Kernel, sharp: Companion, x: Tensor, points: Tensor, masked: bool) -> Tensor:
    mean = kernel_mean(kernel, x, points, exclude_diagonal=masked)
    mass = log_masses(sharp.kernel, (1.0,), x, points, exclude_diagonal=masked)[0]
    return (mean.log_mass - mass).exp().unsqueeze(-1) / sharp.height * mean.shift
