"""The native loops of `csrc/` behind ctypes: loaded once, absent without error where they were not compiled."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from drift_cli.fused.terms import Term

LIBRARY = Path(__file__).with_name("_native.so")
_INTERFACE_VERSION = 1
_BLOCK = 128  # rows of inner products at a time in many dimensions
_Pointer, _Long, _Double = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double


class _Term(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("scale", _Double), ("alpha", _Double), ("weight", _Double))


class _Problem(ctypes.Structure):
    _fields_ = (
        ("x", _Pointer), ("y", _Pointer), ("log_weights", _Pointer),
        ("n", _Long), ("m", _Long), ("d", _Long),
        ("terms", ctypes.POINTER(_Term)), ("term_count", _Long),
        ("factors", ctypes.POINTER(_Double)), ("factor_count", _Long),
        ("exclude_diagonal", ctypes.c_int32), ("shift", _Pointer), ("log_mass", _Pointer),
    )  # fmt: skip


class _Block(ctypes.Structure):
    _fields_ = (
        ("products", _Pointer), ("x_squared", _Pointer), ("y_squared", _Pointer), ("log_weights", _Pointer),
        ("rows", _Long), ("m", _Long), ("terms", ctypes.POINTER(_Term)), ("term_count", _Long),
        ("factor", _Double), ("excluded", _Long), ("mass", _Pointer), ("log_mass", _Pointer),
    )  # fmt: skip


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


def kernel_mean_direct(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    mass_only: bool,
) -> tuple[Tensor, Tensor]:
    """Shifts [f, n, d] and log masses [f, n] by differences of coordinates. All tensors contiguous, on the CPU."""
    n, d = x.shape
    shift = torch.empty(len(factors), 0 if mass_only else n, d, dtype=x.dtype)
    log_mass = torch.empty(len(factors), n, dtype=x.dtype)
    coordinates = y.T.contiguous()
    problem = _Problem(
        x.data_ptr(), coordinates.data_ptr(), _address(log_weights), n, len(y), d, _terms(terms), len(terms),
        (_Double * len(factors))(*factors), len(factors), int(exclude),
        None if mass_only else shift.data_ptr(), log_mass.data_ptr(),
    )  # fmt: skip
    _call("drift_kernel_mean", x.dtype, problem)
    return shift, log_mass


def kernel_mean_by_products(
    terms: tuple[Term, ...],
    factors: list[float],
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    exclude: bool,
    mass_only: bool,
) -> tuple[Tensor, Tensor]:
    """The same by matrix products of centred points, a block of rows at a time: for many dimensions."""
    centre = y.mean(dim=0)
    x, y = x - centre, y - centre
    n, m = len(x), len(y)
    shift = torch.empty(len(factors), 0 if mass_only else n, x.shape[1], dtype=x.dtype)
    log_mass = torch.empty(len(factors), n, dtype=x.dtype)
    x_squared, y_squared = x.square().sum(dim=1), y.square().sum(dim=1)
    products, mass = torch.empty(min(_BLOCK, n), m, dtype=x.dtype), torch.empty(min(_BLOCK, n), dtype=x.dtype)
    passed = _terms(terms)
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        count = rows.stop - start
        for f, factor in enumerate(factors):
            block = torch.mm(x[rows], y.T, out=products[:count])
            part = log_mass[f, rows]
            _call("drift_weigh_block", x.dtype, _Block(
                block.data_ptr(), x_squared[rows].data_ptr(), y_squared.data_ptr(), _address(log_weights), count, m,
                passed, len(terms), factor, start if exclude else -1, mass.data_ptr(), part.data_ptr(),
            ))  # fmt: skip
            if mass_only:
                continue
            torch.mm(block, y, out=shift[f, rows])
            shift[f, rows].div_(mass[:count, None]).sub_(x[rows])
    return shift, log_mass


def arithmetic_alone(queries: int) -> int:
    """Run the loop's bare arithmetic (float32, Laplace, d = 2), without memory traffic; returns the number of pairs."""
    loaded = library()
    assert loaded is not None
    return int(loaded.drift_arithmetic_f32(queries, torch.get_num_threads()))


def _terms(terms: tuple[Term, ...]) -> ctypes.Array[_Term]:
    return (_Term * len(terms))(*(_Term(term.kind, term.scale, term.alpha, term.weight) for term in terms))


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _call(name: str, dtype: torch.dtype, argument: ctypes.Structure) -> None:
    loaded = library()
    assert loaded is not None
    suffix = {torch.float32: "f32", torch.float64: "f64"}[dtype]
    getattr(loaded, f"{name}_{suffix}")(ctypes.byref(argument), torch.get_num_threads())
