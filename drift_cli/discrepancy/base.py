r"""A discrepancy $D(q, p)$ between two sets of samples, the first of which carries gradient."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from drift_cli.kernels import Kernel


@runtime_checkable
class Discrepancy(Protocol):
    """Called with the kernel of the moment, the model's samples and the data; `generator` is for those that draw.

    `abilities = Abilities(uses_kernel=False)` says that the kernel is not used; its `check_kernel` refuses one that
    cannot be.
    """

    def __call__(self, kernel: Kernel, x: Tensor, data: Tensor, generator: torch.Generator) -> Tensor:
        """D as a tensor of one number, attached to x [n, d]; `data` is [m, d]."""
        ...
