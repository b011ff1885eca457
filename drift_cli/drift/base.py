r"""A drift operator $V(x;\,\text{data},\,\text{model})$: where each query should move next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Annotated, Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from drift_cli.data import Target
from drift_cli.errors import UserError
from drift_cli.kernels import Kernel
from drift_cli.rules import one_of
from drift_cli.setting import Setting
from drift_cli.space import Fitting
from drift_cli.transport.tally import Tally

SelfTerm = Annotated[
    str,
    Setting(
        "whether a generated sample counts itself among the model's samples",
        (partial(one_of, choices=("include", "exclude")),),
    ),
]

# [n, d], [m, d] and [l, d]; of c classes of one size together [c, n, d], [c, m, d] and [c, l, d].
Queries = Float[Tensor, "*c n d"]
Data = Float[Tensor, "*c m d"]
Samples = Float[Tensor, "*c l d"]  # the model's own
Field = Float[Tensor, "*c n d"]  # V at the queries

Counted = Annotated[str, Setting("include: it counts every sample")]  # of an operator that cannot leave one out


def counts_itself(at: str, drift: str, self_term: str, why: str) -> None:
    """Refuse to exclude a sample from the model's samples if the operator involves all of them."""
    if self_term != "include":
        raise UserError(f'{at}.self_term must be include with drift={drift}, got "{self_term}": {why}. Leave it out.')


@runtime_checkable
class Drift(Protocol):
    """A frozen object called with the current kernel, the queries, the data and the model's own samples."""

    def __call__(self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool) -> Field:
        """V at the queries x.

        `paired` means that row i of `model` is query i itself, as in training; `self_term` then decides whether a query
        counts itself in the repulsion. Fields at new points are unpaired and have no self term.
        """
        ...


@runtime_checkable
class Iterative(Protocol):
    """A drift that iterates, and counts the iterations and errors of its calls."""

    @property
    def tally(self) -> Tally | None:
        """None if this drift lacks the part that iterates."""
        ...


@runtime_checkable
class Random(Protocol):
    """A drift that draws random numbers at every call."""

    def drawing_from(self, generator: torch.Generator) -> Drift:
        """The same drift with this stream."""
        ...


@runtime_checkable
class Fitted(Protocol):
    """A drift that is fitted to the data before the run."""

    def fitted(self, target: Target, fitting: Fitting) -> Drift:
        """The drift fitted to this data. Raises `UserError` for unsuitable data."""
        ...


class AtFactors(ABC):
    """A drift that is evaluated at several bandwidths together, which costs less than one at a time."""

    @abstractmethod
    def at_factors(
        self, kernel: Kernel, factors: tuple[float, ...], x: Queries, data: Data, model: Samples, *, paired: bool
    ) -> list[Tensor]:
        """V at each of `factors` times the kernel's bandwidth; an operator that is `weighted` takes `log_weights`."""

    def __call__(
        self, kernel: Kernel, x: Queries, data: Data, model: Samples, *, paired: bool, **weights: Any
    ) -> Field:
        """`weights`: the `log_weights` of an operator that is `weighted`."""
        return self.at_factors(kernel, (1.0,), x, data, model, paired=paired, **weights)[0]
