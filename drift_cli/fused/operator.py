"""The loop as a torch operator: `torch.ops.drift.kernel_mean`, with its derivatives.

It takes numbers rather than a kernel object, so that it can be traced, compiled and checked like any operator of torch.
Derivatives are in closed form, a block of rows at a time: again no N×M array.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from drift_cli.fused import eager, gpu, native
from drift_cli.fused.pullback import Wanted, pullback
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

    Of classes, x [C, n, d], they are [f, C, n, d] and [f, C, n]. With `mass_only` the shifts are not computed and come
    back empty, [f, 0, d].
    """
    terms = unpacked(kinds, numbers)
    if x.device.type == "cpu" and native.library() is not None:
        arguments = (x.contiguous(), y.contiguous(), None if log_weights is None else log_weights.contiguous())
        by_products = x.shape[-1] > _DIRECT_DIMENSIONS
        return native.kernel_mean(terms, factors, *arguments, exclude_diagonal, mass_only, by_products)
    if gpu.takes(x):
        arguments = (x.contiguous(), y.contiguous(), None if log_weights is None else log_weights.contiguous())
        return gpu.kernel_mean(terms, factors, *arguments, exclude_diagonal, mass_only)
    shifts, masses = eager.shifts_and_log_masses(kernel_of(terms), factors, x, y, log_weights, exclude_diagonal)
    return shifts[..., : 0 if mass_only else None, :].contiguous(), masses


@kernel_mean.register_fake
def _(x, y, log_weights, kinds, numbers, factors, exclude_diagonal, mass_only):  # type: ignore[no-untyped-def]
    *classes, n, d = x.shape
    return x.new_empty(len(factors), *classes, 0 if mass_only else n, d), x.new_empty(len(factors), *classes, n)


def packed(terms: tuple[Term, ...]) -> tuple[list[int], list[float]]:
    """The terms as the operator takes them."""
    return [term.kind for term in terms], [n for term in terms for n in (term.bandwidth, term.alpha, term.weight)]


def unpacked(kinds: list[int], numbers: list[float]) -> tuple[Term, ...]:
    """The terms again: the inverse of `packed`."""
    return tuple(Term(kind, *numbers[3 * k : 3 * k + 3]) for k, kind in enumerate(kinds))


_PULLBACK_SCHEMA = (
    "(Tensor x, Tensor y, Tensor? log_weights, Tensor shift, Tensor log_mass, Tensor shift_gradient,"
    " Tensor mass_gradient, int[] kinds, float[] numbers, float[] factors, bool exclude_diagonal, bool[] wanted)"
    " -> (Tensor, Tensor, Tensor)"
)


@torch.library.custom_op("drift::kernel_mean_pullback", mutates_args=(), schema=_PULLBACK_SCHEMA)
def kernel_mean_pullback(
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    shift: Tensor,
    log_mass: Tensor,
    shift_gradient: Tensor,
    mass_gradient: Tensor,
    kinds: list[int],
    numbers: list[float],
    factors: list[float],
    exclude_diagonal: bool,
    wanted: list[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of `pullback.py` at x [n, d], y [m, d] and the log weights [m], summed over the factors.

    `shift` [f, n, d] and `log_mass` [f, n] are the forward pass's; what is not `wanted` comes back empty. On a GPU the
    shift and its gradient may be [f, 0, d], where the masses alone were asked for. Of classes one by one.
    """
    if x.ndim == 3:
        each = [
            kernel_mean_pullback(
                x[k], y[k], None if log_weights is None else log_weights[k], shift[:, k], log_mass[:, k],
                shift_gradient[:, k], mass_gradient[:, k], kinds, numbers, factors, exclude_diagonal, wanted,
            )
            for k in range(len(x))
        ]  # fmt: skip
        at_x, at_y, at_weights = map(torch.stack, zip(*each, strict=True))
        return at_x, at_y, at_weights
    terms, wants = unpacked(kinds, numbers), Wanted(*wanted)
    points = (x.contiguous(), y.contiguous(), None if log_weights is None else log_weights.contiguous())
    values = (shift.contiguous(), log_mass.contiguous())
    arriving = (shift_gradient.contiguous(), mass_gradient.contiguous())
    if x.device.type == "cpu" and native.library() is not None:
        by_products = x.shape[1] > _DIRECT_DIMENSIONS
        found = native.pullback(terms, factors, *points, exclude_diagonal, values, arriving, wants, by_products)
    elif gpu.takes(x):
        found = gpu.pullback(terms, factors, *points, exclude_diagonal, values, arriving, wants)
    else:
        found = pullback(kernel_of(terms), factors, *points, exclude_diagonal, values, arriving, wants)
    return found.x, found.y, found.log_weights


@kernel_mean_pullback.register_fake
def _(x, y, log_weights, shift, log_mass, shift_gradient, mass_gradient, kinds, numbers, factors, exclude, wanted):  # type: ignore[no-untyped-def]
    *classes, n, d = x.shape
    m = y.shape[-2]
    return (
        x.new_empty(*classes, n if wanted[0] else 0, d),
        y.new_empty(*classes, m if wanted[1] else 0, d),
        y.new_empty(*classes, m if wanted[2] else 0),
    )


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, y, log_weights, ctx.kinds, ctx.numbers, ctx.factors, ctx.exclude_diagonal, ctx.mass_only = inputs
    ctx.save_for_backward(x, y, log_weights, *output)


def _backward(ctx: Any, shift_gradient: Tensor, mass_gradient: Tensor) -> tuple[Tensor | None, ...]:
    x, y, log_weights, shift, log_mass = ctx.saved_tensors
    needed = list(ctx.needs_input_grad[:3])
    if ctx.mass_only and not gpu.takes(x):  # no mean was asked for: none of them carries anything
        shift = shift_gradient = x.new_zeros(len(ctx.factors), *x.shape)
    found = kernel_mean_pullback(
        x, y, log_weights, shift, log_mass, shift_gradient, mass_gradient,
        ctx.kinds, ctx.numbers, ctx.factors, ctx.exclude_diagonal, needed,
    )  # fmt: skip
    return (*(part if need else None for part, need in zip(found, needed, strict=True)), *[None] * 5)


kernel_mean.register_autograd(_backward, setup_context=_remember)
