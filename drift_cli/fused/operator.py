"""The loop as a torch operator: `torch.ops.drift.kernel_mean`, with its derivatives.

It takes numbers rather than a kernel object, so that it can be traced, compiled and checked like any operator of torch.
Derivatives are those of the eager reference, recomputed a block of rows at a time: again no N×M array.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from drift_cli.fused import eager, gpu, native
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
    ctx.save_for_backward(x, y, log_weights)


def _backward(ctx: Any, shift_gradient: Tensor, mass_gradient: Tensor) -> tuple[Tensor | None, ...]:
    x, y, log_weights = ctx.saved_tensors
    kernel = kernel_of(unpacked(ctx.kinds, ctx.numbers))
    wanted = [x, y, log_weights]
    needed = [bool(need) for need in ctx.needs_input_grad[:3]]
    total = [torch.zeros_like(t) if need else None for t, need in zip(wanted, needed, strict=True)]
    for rows in eager.row_blocks(x):
        with torch.enable_grad():
            block, points = x[rows].detach().requires_grad_(), y.detach().requires_grad_()
            weights = None if log_weights is None else log_weights.detach().requires_grad_()
            outputs: list[Tensor] = []
            gradients: list[Tensor] = []
            for f, factor in enumerate(ctx.factors):
                shift, log_mass = eager.shift_and_log_mass(
                    kernel.scaled(factor), block, points, weights, ctx.exclude_diagonal, rows.start
                )
                outputs += [log_mass] if ctx.mass_only else [log_mass, shift]
                gradients += (
                    [mass_gradient[f, rows]] if ctx.mass_only else [mass_gradient[f, rows], shift_gradient[f, rows]]
                )
            inputs = [t for t, need in zip((block, points, weights), needed, strict=True) if need and t is not None]
            found = iter(torch.autograd.grad(outputs, inputs, gradients))
        if total[0] is not None:
            total[0][rows] = next(found)
        for over_rows in total[1:]:
            if over_rows is not None:
                over_rows.add_(next(found))
    return (*total, None, None, None, None, None)


kernel_mean.register_autograd(_backward, setup_context=_remember)
