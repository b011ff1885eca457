"""The loops on a GPU: what the Triton kernels take, made from tensors; absent without Triton and in many dimensions."""

from __future__ import annotations

import importlib.util
from functools import lru_cache

import torch
from torch import Tensor

from drift_cli.fused.pullback import Pullback, Wanted
from drift_cli.fused.terms import Term, scale_at

_MOST_DIMENSIONS = {torch.float32: 128, torch.float64: 8}  # above, blocks of the library's matrix products are better
_SUMMED_BY_AXIS = 8  # dimensions up to which weighted differences are summed one by one, and no digit is lost
_QUERIES, _POINTS = 16, 128  # of a tile: 2,048 queries then keep 128 multiprocessors busy
_OTHERS = 32  # that a tile of the derivatives meets at a time: more, and the compiled code spills its registers


def takes(x: Tensor) -> bool:
    """Whether this tensor goes through the kernel."""
    return x.device.type == "cuda" and _installed() and x.shape[-1] <= _MOST_DIMENSIONS[x.dtype] and x.numel() > 0


@lru_cache
def _installed() -> bool:
    return importlib.util.find_spec("triton") is not None


def kernel_mean(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    mass_only: bool,
) -> tuple[Tensor, Tensor]:
    """Shifts [f, n, d] and log masses [f, n], of classes [f, C, n, d] and [f, C, n]; contiguous, on one device."""
    from drift_cli.fused import gpu_kernel

    (*classes, n, d), m, count = x.shape, y.shape[-2], len(factors)
    products, padded = _layout(d)
    if products:
        centre = y.mean(dim=-2, keepdim=True)
        x, y = x - centre, y - centre
    shift = x.new_empty(count, *classes, 0 if mass_only else n, d)
    log_mass = x.new_empty(count, *classes, n)
    gpu_kernel.kernel_mean[_tiles(n), count, classes[0] if classes else 1](
        x, y, y if log_weights is None else log_weights, _numbers(terms, factors, x),
        shift, log_mass, n, m,
        d, padded, tuple(term.kind for term in terms), len(terms),
        log_weights is not None, exclude, mass_only, products,
        _QUERIES, _POINTS,
        enable_fp_fusion=False,  # a product fused with the subtraction after it is not the number that was compared
    )  # fmt: skip
    return shift, log_mass


def pullback(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    values: tuple[Tensor, Tensor],
    arriving: tuple[Tensor, Tensor],
    wanted: Wanted,
) -> Pullback:
    """The gradients of `pullback.py` at x [n, d], y [m, d] and the log weights [m], summed over the factors.

    `values` are the shifts [f, n, d] and log masses [f, n] that `kernel_mean` gave, `arriving` what arrives at them:
    both shifts are [f, 0, d] where the masses alone were asked for. What is not wanted comes back empty. All tensors
    contiguous and on one device. Nothing is read back, so that a CUDA graph can capture it.
    """
    from drift_cli.fused import gpu_pullback_kernel

    (n, d), m, count = x.shape, len(y), len(factors)
    products, padded = _layout(d)
    if products:
        centre = y.mean(dim=0)  # as in the forward pass, whose distances these are
        x, y = x - centre, y - centre
    (shift, log_mass), (shift_gradient, mass_gradient) = values, arriving
    tensors = (
        x, y, y if log_weights is None else log_weights, _numbers(terms, factors, x),
        log_mass, mass_gradient, shift, shift_gradient,
    )  # fmt: skip
    constants = (
        d, padded, tuple(term.kind for term in terms), len(terms),
        log_weights is not None, exclude, shift.shape[1] == 0, products,
        _QUERIES, _OTHERS,
    )  # fmt: skip
    at_x = x.new_empty(count, n if wanted.x else 0, d)
    if wanted.x:
        gpu_pullback_kernel.query_gradient[_tiles(n), count](*tensors, at_x, n, m, *constants, enable_fp_fusion=False)
    at_y = x.new_empty(count, m if wanted.y else 0, d)
    at_weights = x.new_empty(count, m if wanted.log_weights else 0)
    if wanted.y or wanted.log_weights:
        gpu_pullback_kernel.point_gradient[_tiles(m), count](
            *tensors, at_y, at_weights, n, m, *constants, wanted.y, wanted.log_weights, enable_fp_fusion=False
        )
    return Pullback(at_x.sum(dim=0), at_y.sum(dim=0), at_weights.sum(dim=0))


def _tiles(rows: int) -> int:
    return (rows + _QUERIES - 1) // _QUERIES


def _layout(d: int) -> tuple[bool, int]:
    """Whether weighted points are summed by matrix products, and the width that the kernels give d coordinates."""
    products = d > _SUMMED_BY_AXIS
    return products, max(16 if products else 1, 1 << (d - 1).bit_length())


def _numbers(terms: tuple[Term, ...], factors: list[float], x: Tensor) -> Tensor:
    """[f, term, 3]: scale, alpha and weight, on the device."""
    rows = tuple((scale_at(term, factor), term.alpha, term.weight) for factor in factors for term in terms)
    if x.device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        # A graph may neither copy from the host nor read what somebody else may free: it fills in its own.
        return torch.stack([x.new_full((), number) for row in rows for number in row])
    return _kept_numbers(rows, x.dtype, x.device)


@lru_cache(maxsize=64)
def _kept_numbers(rows: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Kept, so that a step whose bandwidth stays as it was copies nothing to the device."""
    return torch.tensor(rows, dtype=dtype, device=device)
