"""The loop as a torch operator: `torch.ops.drift.kernel_mean`, with its derivatives.

It takes numbers rather than a kernel object, so that it can be traced, compiled and checked like any operator of torch.
Derivatives are in closed form, a block of rows at a time: again no N×M array.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from drift_cli.fused import eager, gpu, native
from drift_cli.fused.pullback import pullback
from drift_cli.fused.terms import Term, kernel_of

_DIRECT_DIMENSIONS = 6  # up to here differences by coordinate are faster than inner products (docs/fused.md)


_SCHEMA = (
    "(Tensor x, Tensor y, Tensor? log_weights, int[] kinds, float[] numbers, float[] factors, bool exclude_diagonal,"
    " bool mass_only) -> (Tensor, Tensor)"
)


@torch.library.custom_op("drift::kernel_mean", mutates_args=(), schema=_SCHEMA)
def kernel_mean(
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    kinds: list[int],
    numbers: list[float],
    factors: list[float],
    exclude_diagonal: bool,
    mass_only: bool,
) -> tuple[Tensor, Tensor]:
    """Shifts [f, n, d] and log masses [f, n] for the kernel of `kinds` and `numbers` at each of `factors`.

    With `mass_only` the shifts are not computed and come back empty, [f, 0, d].
    """
    terms = unpacked(kinds, numbers)
    if x.device.type == "cpu" and native.library() is not None:
        arguments = (x.contiguous(), y.contiguous(), None if log_weights is None else log_weights.contiguous())
        by_products = x.shape[1] > _DIRECT_DIMENSIONS
        return native.kernel_mean(terms, factors, *arguments, exclude_diagonal, mass_only, by_products)
    if gpu.takes(x):
        arguments = (x.contiguous(), y.contiguous(), None if log_weights is None else log_weights.contiguous())
        return gpu.kernel_mean(terms, factors, *arguments, exclude_diagonal, mass_only)
    kernel = kernel_of(terms)
    parts = [eager.shift_and_log_mass(kernel.scaled(f), x, y, log_weights, exclude_diagonal) for f in factors]
    shifts = x.new_empty(len(factors), 0, x.shape[1]) if mass_only else torch.stack([shift for shift, _ in parts])
    return shifts, torch.stack([log_mass for _, log_mass in parts])


@kernel_mean.register_fake
def _(x, y, log_weights, kinds, numbers, factors, exclude_diagonal, mass_only):  # type: ignore[no-untyped-def]
    return x.new_empty(len(factors), 0 if mass_only else len(x), x.shape[1]), x.new_empty(len(factors), len(x))


def packed(terms: tuple[Term, ...]) -> tuple[list[int], list[float]]:
    """The terms as the operator takes them."""
    return [term.kind for term in terms], [n for term in terms for n in (term.bandwidth, term.alpha, term.weight)]


def unpacked(kinds: list[int], numbers: list[float]) -> tuple[Term, ...]:
    return tuple(Term(kind, *numbers[3 * k : 3 * k + 3]) for k, kind in enumerate(kinds))


def _remember(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    x, y, log_weights, ctx.kinds, ctx.numbers, ctx.factors, ctx.exclude_diagonal, ctx.mass_only = inputs
    ctx.save_for_backward(x, y, log_weights, *output)


def _backward(ctx: Any, shift_gradient: Tensor, mass_gradient: Tensor) -> tuple[Tensor | None, ...]:
    x, y, log_weights, shift, log_mass = ctx.saved_tensors
    kernel = kernel_of(unpacked(ctx.kinds, ctx.numbers))
    needed, parts = ctx.needs_input_grad[:3], []
    for f, factor in enumerate(ctx.factors):
        shifts = (None, None) if ctx.mass_only else (shift[f], shift_gradient[f])
        arguments = (log_mass[f], mass_gradient[f], *shifts, needed[1])
        parts.append(pullback(kernel.scaled(factor), x, y, log_weights, ctx.exclude_diagonal, *arguments))
    totals = [sum(gradients) for gradients in zip(*((p.x, p.y, p.log_weights) for p in parts), strict=True)]
    return (*(total if need else None for total, need in zip(totals, needed, strict=True)), *[None] * 5)


kernel_mean.register_autograd(_backward, setup_context=_remember)
