r"""A drift operator $V(x;\,\text{data},\,\text{model})$: where each query should move next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.kernels import Kernel
from drift_cli.transport.tally import Tally


@runtime_checkable
class Drift(Protocol):
    """A frozen object called with the kernel of the moment, the queries, the data and the model's own samples."""

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        """V at the queries x.

        `paired` says that row i of `model` is query i itself, as in training; `self_term` then decides whether a
        query counts itself in the repulsion. Fields at new points are unpaired and have no self term.
        """
        ...


@runtime_checkable
class Iterative(Protocol):
    """A drift that is found by iterating, and counts what its calls took and how far they came."""

    @property
    def tally(self) -> Tally | None:
        """None where what is iterated is a part that this one has not got."""
        ...


@runtime_checkable
class Random(Protocol):
    """A drift that draws at every call."""

    def drawing_from(self, generator: torch.Generator) -> Drift:
        """The same drift with this stream."""
        ...


class AtFactors(ABC):
    """A drift that is evaluated at several bandwidths together, which costs less than one by one."""

    @abstractmethod
    def at_factors(
        self,
        kernel: Kernel,
        factors: tuple[float, ...],
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> list[Tensor]:
        """V at each of `factors` times the kernel's bandwidth."""

    def __call__(
        self,
        kernel: Kernel,
        x: Float[Tensor, "n d"],
        data: Float[Tensor, "m d"],
        model: Float[Tensor, "l d"],
        *,
        paired: bool,
    ) -> Float[Tensor, "n d"]:
        return self.at_factors(kernel, (1.0,), x, data, model, paired=paired)[0]
