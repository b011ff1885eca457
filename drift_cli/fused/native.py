"""The native loops of `csrc/` behind ctypes: loaded once, absent without error where they were not compiled."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from dataclasses import astuple
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from drift_cli.fused.pullback import Pullback, Wanted
from drift_cli.fused.terms import Term

LIBRARY = Path(__file__).with_name("_native.so")
_INTERFACE_VERSION = 5
_Pointer, _Long, _Double = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double


class _Term(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("scale", _Double), ("alpha", _Double), ("weight", _Double))


class _Problem(ctypes.Structure):
    _fields_ = (
        ("x", _Pointer), ("y", _Pointer), ("coordinates", _Pointer), ("log_weights", _Pointer),
        ("n", _Long), ("m", _Long), ("d", _Long),
        ("terms", ctypes.POINTER(_Term)), ("term_count", _Long),
        ("factors", ctypes.POINTER(_Double)), ("factor_count", _Long),
        ("exclude_diagonal", ctypes.c_int32), ("shift", _Pointer), ("log_mass", _Pointer), ("mass", _Pointer),
    )  # fmt: skip


class _Gradients(ctypes.Structure):
    _fields_ = tuple((name, _Pointer) for name in ("shift", "log_mass", "x", "y", "log_weights"))


@cache
def library() -> ctypes.CDLL | None:
    """The compiled loops, or None.

    `DRIFT_NATIVE=0` in the environment leaves them out, `DRIFT_NATIVE=FILE` takes another build of them.
    """
    wanted = os.environ.get("DRIFT_NATIVE", str(LIBRARY))
    if wanted == "0" or not Path(wanted).is_file():
        return None
    try:
        _offer_openmp()
        loaded = ctypes.CDLL(wanted, mode=os.RTLD_NOW)
        if loaded.drift_interface_version() != _INTERFACE_VERSION:
            return None
    except (OSError, AttributeError):
        return None
    loaded.drift_instruction_set.restype = ctypes.c_char_p
    loaded.drift_arithmetic_f32.restype = _Long
    loaded.drift_arithmetic_f32.argtypes = (_Long, ctypes.c_int)
    return loaded


def _offer_openmp() -> None:
    """Make torch's own OpenMP runtime visible to the loops, so that both share one set of threads."""
    bundled = sorted((Path(torch.__file__).parent / "lib").glob("libgomp*")) + sorted(
        (Path(torch.__file__).parent.parent / "torch.libs").glob("libgomp*")
    )
    for candidate in [*map(str, bundled), ctypes.util.find_library("gomp")]:
        if candidate is not None:
            ctypes.CDLL(candidate, mode=os.RTLD_GLOBAL | os.RTLD_NOW)
            return


def instruction_set() -> str | None:
    """AVX-512, AVX2 or baseline: what the loops run with here; None without them."""
    loaded = library()
    return loaded.drift_instruction_set().decode() if loaded else None


def kernel_mean(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    mass_only: bool,
    by_products: bool,
) -> tuple[Tensor, Tensor]:
    """Shifts [f, n, d] and log masses [f, n]. All tensors contiguous, on the CPU.

    Of C classes at once, x [C, n, d], y [C, m, d] and log weights [C, m], they are [f, C, n, d] and [f, C, n]: in one
    call, whose threads share the rows of all of them, with the bits of C calls. By differences of coordinates, or (for
    many dimensions) by inner products of centred points.
    """
    if x.ndim == 2:
        one = None if log_weights is None else log_weights[None]
        shift, log_mass = kernel_mean(terms, factors, x[None], y[None], one, exclude, mass_only, by_products)
        return shift.squeeze(1), log_mass.squeeze(1)
    if by_products:
        centre = class_means(y)
        x, y = x - centre, y - centre
    (classes, n, d), count = x.shape, len(factors)
    shift = x.new_empty(classes, count, 0 if mass_only else n, d)
    log_mass, mass = x.new_empty(classes, count, n), x.new_empty(classes, count, n)
    problems = (_Problem * classes)()
    for k in range(classes):
        own_weights = None if log_weights is None else log_weights[k]
        own_shift = None if mass_only else shift[k]
        problems[k] = _problem(terms, factors, x[k], y[k], own_weights, exclude, own_shift, log_mass[k], mass[k])
    loaded = library()
    assert loaded is not None
    run = loaded.drift_kernel_means_f32 if x.dtype == torch.float32 else loaded.drift_kernel_means_f64
    if run(problems, _Long(classes), int(by_products), torch.get_num_threads()) != 0:
        raise MemoryError(f"not enough memory to pack {y.shape[1]:,} points of {d:,} dimensions, {classes:,} times")
    return shift.transpose(0, 1).contiguous(), log_mass.transpose(0, 1).contiguous()


def class_means(y: Tensor) -> Tensor:
    """The mean [C, 1, d] of each class [C, m, d], summed as the mean of a class alone is."""
    return torch.stack([points.mean(dim=0) for points in y])[:, None]


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
    by_products: bool,
) -> Pullback:
    """The gradients of `pullback.py`, summed over the factors; those that are not wanted are empty.

    `values` are the shifts [f, n, d] and log masses [f, n] of the forward pass, `arriving` what arrives at them. All
    tensors contiguous, on the CPU.
    """
    if by_products:
        centre = y.mean(dim=0)
        x, y = x - centre, y - centre
    shift, log_mass = values
    problem = _problem(terms, factors, x, y, log_weights, exclude, shift, log_mass, None)
    found = Pullback(
        torch.empty_like(x) if wanted.x else x.new_empty(0, x.shape[1]),
        torch.empty_like(y) if wanted.y else y.new_empty(0, y.shape[1]),
        y.new_empty(len(y) if wanted.log_weights else 0),
    )
    outputs = (found.x, found.y, found.log_weights)
    gradients = _Gradients(
        *(part.data_ptr() for part in arriving),
        *(part.data_ptr() if want else None for part, want in zip(outputs, astuple(wanted), strict=True)),
    )
    loaded = library()
    assert loaded is not None
    run = loaded.drift_pullback_f32 if x.dtype == torch.float32 else loaded.drift_pullback_f64
    if run(ctypes.byref(problem), ctypes.byref(gradients), int(by_products), torch.get_num_threads()) != 0:
        raise MemoryError(f"not enough memory for the derivatives at {len(y):,} points of {y.shape[1]:,} dimensions")
    return found


def _problem(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    shift: Tensor | None,
    log_mass: Tensor,
    mass: Tensor | None,
) -> _Problem:
    return _Problem(
        x.data_ptr(), y.data_ptr(), None, _address(log_weights), len(x), *y.shape,
        (_Term * len(terms))(*(_Term(term.kind, term.scale, term.alpha, term.weight) for term in terms)), len(terms),
        (_Double * len(factors))(*factors), len(factors), int(exclude),
        _address(shift), log_mass.data_ptr(), _address(mass),
    )  # fmt: skip


def arithmetic_alone(queries: int) -> int:
    """Run the loop's bare arithmetic (float32, Laplace, d = 2), without memory traffic; returns the number of pairs."""
    loaded = library()
    assert loaded is not None
    return int(loaded.drift_arithmetic_f32(queries, torch.get_num_threads()))


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
