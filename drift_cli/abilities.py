"""What an operator says it can do. Whatever depends on the kind of operator asks here, and knows none by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drift_cli.kernels import Kernel


def any_kernel(kernel: Kernel) -> None:
    """Accepts every kernel."""


@dataclass(frozen=True)
class Abilities:
    r"""What an operator (a drift, or the discrepancy that one is made of) supports and needs, as it declares itself.

    What is not declared is not supported. What an operator has beyond its call shows by itself: `Random`, `Iterative`
    and `Fitted` (`drift/base.py`).

    `uses_kernel`: whether it uses the run's kernel, and with it the bandwidth schedule; `check_kernel` raises
    `UserError` for a kernel that it cannot use. `differentiable`: whether gradients may flow through V itself
    (`gradient_paths`). `scales`: whether $V_{c\sigma}(x) = c\,V_\sigma(x/c)$ with all points divided by c, so that its
    only length is the kernel's. `capturable`: whether it never waits for a result from a GPU, so that a step can be
    captured. `at_samples_alone`: whether it is defined only at the model's own samples. `batched`: whether it processes
    classes of one size together, [C, n, d] with data [C, m, d] and samples [C, l, d], each independently. `weighted`:
    whether it takes `log_weights` [l] of the samples, with rows beyond the queries. `shareable`: whether it consists of
    sums over pairs (`drift_cli.fused`), of terms of single queries, and of the means over queries in
    `drift_cli/ranks/pairs.py`, so that several processes can divide its rows. `second_batch`: whether it takes a second
    generated batch, independent of the queries, in place of the samples. `constant_norm`: whether mean |V|² is the same
    for every batch, so that nothing is gained by differentiating it.
    """

    uses_kernel: bool = True
    check_kernel: Callable[[Kernel], None] = any_kernel
    differentiable: bool = False
    scales: bool = False
    capturable: bool = False
    at_samples_alone: bool = False
    batched: bool = False
    weighted: bool = False
    shareable: bool = False
    second_batch: bool = False
    constant_norm: bool = False


def abilities(operator: object) -> Abilities:
    """The operator's abilities, or none if it declares none."""
    return getattr(operator, "abilities", Abilities())
