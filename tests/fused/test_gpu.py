"""The GPU's loop against the eager reference: on a GPU where there is one, else through Triton's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from drift_cli.fused import eager, gpu
from drift_cli.fused.terms import terms_of
from drift_cli.kernels import Gaussian, Kernel, Laplace
from tests.problems.kernels import KERNELS

pytest.importorskip("triton", reason="Triton is installed on Linux alone")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
# Sums of some hundred terms of size one.
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}


def found(kernel: Kernel, x, y, log_weights=None, *, factors=(1.0,), exclude=False, mass_only=False):
    terms = terms_of(kernel)
    assert terms is not None
    moved = [None if t is None else t.to(DEVICE) for t in (x, y, log_weights)]
    shift, log_mass = gpu.kernel_mean(terms, list(factors), *moved, exclude, mass_only)
    return shift.cpu(), log_mass.cpu()


@every_kernel
@pytest.mark.parametrize(
    ("dtype", "dimension"), [(torch.float64, 2), (torch.float32, 1), (torch.float32, 3), (torch.float32, 20)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_reference(kernel: Kernel, dtype, dimension: int, weighted: bool, plane) -> None:
    x, y = plane(37, dimension), plane(300, dimension) + 0.5  # neither fills its tiles
    log_weights = plane(300, 1).squeeze(1) if weighted else None
    shift, log_mass = eager.shift_and_log_mass(kernel, x, y, log_weights, False)
    ours, mass = found(kernel, x.to(dtype), y.to(dtype), None if log_weights is None else log_weights.to(dtype))
    torch.testing.assert_close(ours[0].double(), shift, rtol=0, atol=ROUNDING[dtype] * dimension**0.5)
    torch.testing.assert_close(mass[0].double(), log_mass, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@every_kernel
def test_the_diagonal_is_left_out(kernel: Kernel, plane) -> None:
    x = plane(150)
    shift, log_mass = eager.shift_and_log_mass(kernel, x, x, None, True)
    ours, mass = found(kernel, x, x, exclude=True)
    torch.testing.assert_close(ours[0], shift, rtol=0, atol=1e-12)
    torch.testing.assert_close(mass[0], log_mass, rtol=0, atol=1e-12)


def test_several_bandwidths_are_one_by_one(plane) -> None:
    kernel, factors = KERNELS["mixture"], (0.2, 1.0, 30.0)
    x, y = plane(20), plane(140)
    shifts, masses = found(kernel, x, y, factors=factors)
    nothing, alone = found(kernel, x, y, factors=factors, mass_only=True)
    assert nothing.shape == (3, 0, 2)
    torch.testing.assert_close(alone, masses, rtol=0, atol=0)
    for factor, shift, mass in zip(factors, shifts, masses, strict=True):
        expected = eager.shift_and_log_mass(kernel.scaled(factor), x, y, None, False)
        torch.testing.assert_close(shift, expected[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(mass, expected[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kernel", [Gaussian(1.0), Laplace(1.0)], ids=["gaussian", "laplace"])
def test_far_from_the_origin_no_digit_is_lost_and_far_queries_stay_finite(kernel: Kernel, plane) -> None:
    x, y = plane(20).float() + 1e4, plane(200).float() + 1e4
    exact, _ = eager.shift_and_log_mass(kernel, x.double(), y.double(), None, False)
    ours, _ = found(kernel, x, y)
    assert float((ours[0] - exact).norm() / exact.norm()) < 1e-6
    ours, mass = found(kernel.scaled(0.01), x + 1e3, y)
    assert torch.isfinite(ours).all()
    assert torch.isfinite(mass).all()


def test_it_takes_what_it_is_made_for() -> None:
    assert not gpu.takes(torch.zeros(3, 2))
    if torch.cuda.is_available():
        assert gpu.takes(torch.zeros(3, 2, device="cuda"))
        assert not gpu.takes(torch.zeros(3, 784, device="cuda"))


_COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import triton
from drift_cli.fused import gpu_kernel

pointers = ("x", "y", "log_weights", "numbers", "shift", "log_mass")
for dtype, d, padded, kinds, weighted, products in (
    ("fp32", 2, 2, (1,), False, False), ("fp32", 20, 32, (0, 3), True, True), ("fp64", 3, 4, (4, 2), True, False)
):
    constants = dict(d=d, padded=padded, kinds=kinds, term_count=len(kinds), weighted=weighted, exclude=True,
                     mass_only=False, products=products, queries=16, points=128)
    types = {name: f"*{dtype}" for name in pointers} | {"n": "i32", "m": "i32"} | dict.fromkeys(constants, "constexpr")
    source = ASTSource(gpu_kernel.kernel_mean, types, constants)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": False})
    assert made.asm["cubin"], dtype
    assert "tf32" not in made.asm["ptx"], dtype
print("compiled")
"""


def test_it_compiles_for_a_gpu_without_one_and_keeps_float32() -> None:
    """The interpreter forgives what the compiler does not: the code for compute capability 9.0 is made here too."""
    done = subprocess.run(
        [sys.executable, "-c", _COMPILE],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "TRITON_INTERPRET": "0"},
    )
    assert done.stdout.strip() == "compiled", done.stderr


@pytest.mark.parametrize("dimension", [2, 20])
def test_classes_together_are_one_by_one(dimension: int, plane) -> None:
    x, y, weights = plane(3 * 20, dimension), plane(3 * 140, dimension), plane(3 * 140, 1)
    x, y, weights = x.view(3, 20, -1), y.view(3, 140, -1), weights.view(3, 140)
    together = found(Laplace(0.7), x, y, weights, factors=(0.5, 2.0), exclude=True)
    for k in range(3):
        alone = found(Laplace(0.7), x[k], y[k], weights[k], factors=(0.5, 2.0), exclude=True)
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[:, k], b, rtol=0, atol=1e-13)
