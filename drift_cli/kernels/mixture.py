"""A weighted sum of kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Self, cast

import numpy as np
import torch
from torch import Tensor

from drift_cli.catalogue import check_name, find
from drift_cli.kernels.base import Bandwidth, Kernel, Weighted
from drift_cli.kernels.sharp import Companion, companion
from drift_cli.kernels.spectral import Spectral
from drift_cli.rules import between, positive
from drift_cli.setting import Setting, parameters


def _no_mixture(key: str, name: str) -> None:
    check_name(key, "kernel", name, without=("mixture", "designed"))


@dataclass(frozen=True)
class Component:
    """One term of a mixture: `weight` times the kernel of this name at `factor` times the mixture's bandwidth."""

    kernel: Annotated[str, Setting("the kernel's name", (_no_mixture,))]
    weight: Annotated[float, Setting("its share, relative to the others", (positive,))] = 1.0
    factor: Annotated[float, Setting("factor on the mixture's bandwidth", (partial(between, low=1e-6, high=1e6),))] = (
        1.0
    )
    alpha: Annotated[float, Setting("used only by rational_quadratic", (positive,))] = 1.0

    def at(self, bandwidth: float) -> Kernel:
        kind = find("kernel", self.kernel)
        own = {"alpha": self.alpha} if "alpha" in parameters(kind) else {}
        made: Kernel = kind(bandwidth=self.factor * bandwidth, **own)
        return made


@dataclass(frozen=True)
class Mixture:
    r"""A kernel that is a weighted sum of kernels, $\varphi(r) = \sum_c w_c\,\varphi_c(r) / \sum_c w_c$.

    Not to be confused with a drift that is a sum of drifts (`drift/multi_temperature.py`).

    `bandwidth` (a length) is the unit in which the mixture is scaled; the components have their own bandwidths. The
    weights need not sum to one. `weight` and `rate` are available if every component has them.
    """

    bandwidth: float
    components: tuple[Kernel, ...]
    weights: tuple[float, ...]

    @classmethod
    def from_settings(
        cls, bandwidth: Bandwidth, components: Annotated[tuple[Component, ...], Setting("the terms of the sum")]
    ) -> Self:
        return cls(bandwidth, tuple(c.at(bandwidth) for c in components), tuple(c.weight for c in components))

    def log_profile(self, r: Tensor) -> Tensor:
        total = math.fsum(self.weights)
        terms = [
            kernel.log_profile(r) + math.log(weight / total)
            for kernel, weight in zip(self.components, self.weights, strict=True)
        ]
        return torch.logsumexp(torch.stack(terms), dim=0)

    def scaled(self, factor: float) -> Self:
        components = tuple(kernel.scaled(factor) for kernel in self.components)
        return type(self)(factor * self.bandwidth, components, self.weights)

    def weight(self, r: Tensor) -> Tensor:
        """The components' weights, averaged by their shares of φ(r)."""
        terms = [kernel.log_profile(r) + math.log(w) for kernel, w in zip(self.components, self.weights, strict=True)]
        shares = torch.softmax(torch.stack(terms), dim=0)
        weights = [cast(Weighted, kernel).weight(r) for kernel in self.components]
        return (shares * torch.stack(weights)).sum(dim=0)

    def log_integral(self, d: int) -> float:
        return float(np.logaddexp.reduce(self._log_parts(d)))

    def spectrum(self, frequency: np.ndarray, d: int) -> np.ndarray:
        total: np.ndarray = np.sum([share * kernel.spectrum(frequency, d) for share, kernel in self._shares(d)], axis=0)
        return total

    def rate(self, frequency: np.ndarray, d: int) -> np.ndarray:
        total: np.ndarray = np.sum([share * kernel.rate(frequency, d) for share, kernel in self._shares(d)], axis=0)
        return total

    def companion(self) -> Companion:
        """The companions of the components, each with its share of the height."""
        parts = [companion(component) for component in self.components]
        shares = [weight * part.height for weight, part in zip(self.weights, parts, strict=True)]
        height = math.fsum(shares) / math.fsum(self.weights)
        return Companion(Mixture(self.bandwidth, tuple(part.kernel for part in parts), tuple(shares)), height)

    def _log_parts(self, d: int) -> list[float]:
        total = math.fsum(self.weights)
        logs = (math.log(weight / total) for weight in self.weights)
        return [k.log_integral(d) + log for k, log in zip(self._spectral(), logs, strict=True)]

    def _shares(self, d: int) -> list[tuple[float, Spectral]]:
        """Each component with its part of k̂(0)."""
        whole = self.log_integral(d)
        return [(math.exp(part - whole), k) for part, k in zip(self._log_parts(d), self._spectral(), strict=True)]

    def _spectral(self) -> list[Spectral]:
        return [cast(Spectral, kernel) for kernel in self.components]
