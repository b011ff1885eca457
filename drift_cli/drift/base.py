r"""A drift operator $V(x;\,\text{data},\,\text{model})$: where each query should move next."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from drift_cli.kernels import Kernel


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
