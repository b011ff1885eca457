"""A power of a kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, cast

from torch import Tensor

from drift_cli.kernels.base import Kernel, Weighted


@dataclass(frozen=True)
class Power:
    r"""A power of a kernel, $\varphi(r)^p$; $p = 2$ gives the second moment of the kernel weights."""

    base: Kernel
    exponent: float

    @property
    def bandwidth(self) -> float:
        return self.base.bandwidth

    def log_profile(self, r: Tensor) -> Tensor:
        return self.base.log_profile(r) * self.exponent

    def scaled(self, factor: float) -> Self:
        return replace(self, base=self.base.scaled(factor))

    def weight(self, r: Tensor) -> Tensor:
        return self.exponent * cast(Weighted, self.base).weight(r)
