"""The kernel-gradient drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from drift_cli.abilities import Abilities
from drift_cli.drift.base import Data, Field, Queries, Samples, SelfTerm
from drift_cli.fused import log_masses
from drift_cli.kernels import Kernel
from drift_cli.setting import Checked


@dataclass(frozen=True)
class KernelScore(Checked):
    r"""The kernel-gradient drift (2605.10727, as reconstructed): the score difference of the samples, smoothed,

    $$V = \nabla\log\sum_j k(x, y_j) - \nabla\log\sum_l k(x, x_l).$$

    With a Gaussian kernel it is the mean-shift drift over σ². A Laplace kernel pulls with a force of constant length at
    any distance: toward a single point $V = (y - x)/(\tau|y - x|)$.

    `V(kernel, x, data, model, paired=…)` takes queries [n, d], data [m, d] and the model's samples [l, d] of one dtype
    and device, and returns [n, d], one over a length. `paired`: row i of x and of `model` are one sample, which
    `self_term="exclude"` excludes.
    """

    self_term: SelfTerm
    abilities: ClassVar[Abilities] = Abilities(batched=True, shareable=True)

    def __call__(self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool) -> Field:
        masked = paired and self.self_term == "exclude"
        with torch.enable_grad():
            queries = x.detach().requires_grad_(True)
            masses = log_masses(kernel, (1.0,), queries, data.detach())[0]
            masses = masses - log_masses(kernel, (1.0,), queries, model.detach(), exclude_diagonal=masked)[0]
            (score,) = torch.autograd.grad(masses.sum(), queries)
        return score
