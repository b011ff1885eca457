"""The compiled loops against the eager reference, on every instruction set that this machine has."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest
import torch

from drift_cli.fused import eager, kernel_mean, kernel_means, native
from drift_cli.fused import mean as fused_mean
from drift_cli.fused.terms import kernel_of, terms_of
from drift_cli.kernels import Gaussian, Kernel, Laplace, Matern32, Mixture, Power, RationalQuadratic
from tests.problems.kernels import KERNELS

# Where there is a compiler the loops must have been built: their absence then fails these tests instead of hiding them.
pytestmark = pytest.mark.skipif(
    native.library() is None and not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler here"
)

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
# Sums of some hundred terms of size one; a logarithm of a sum loses as much again.
ROUNDING = {torch.float64: 1e-12, torch.float32: 4e-6}


@every_kernel
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 40])
def test_the_loops_are_the_reference(kernel: Kernel, dtype, dimension: int, instruction_set: str, plane) -> None:
    x, y = plane(130, dimension), plane(1100, dimension) + 0.5  # more points than two tiles, rows over a block
    weights = plane(1100, 1).squeeze(1)
    for log_weights in (None, weights):
        shift, log_mass = eager.shift_and_log_mass(kernel, x, y, log_weights, False)
        found = kernel_mean(
            kernel, x.to(dtype), y.to(dtype), log_weights=None if log_weights is None else log_weights.to(dtype)
        )
        torch.testing.assert_close(found.shift.double(), shift, rtol=0, atol=ROUNDING[dtype] * dimension**0.5)
        torch.testing.assert_close(found.log_mass.double(), log_mass, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@every_kernel
@pytest.mark.parametrize("dimension", [2, 40])
def test_the_diagonal_is_left_out(kernel: Kernel, dimension: int, instruction_set: str, plane) -> None:
    x = plane(700, dimension)
    shift, log_mass = eager.shift_and_log_mass(kernel, x, x, None, True)
    found = kernel_mean(kernel, x, x, exclude_diagonal=True)
    torch.testing.assert_close(found.shift, shift, rtol=0, atol=1e-10)
    torch.testing.assert_close(found.log_mass, log_mass, rtol=0, atol=1e-10)


@every_kernel
@pytest.mark.parametrize("dimension", [2, 40])
def test_several_bandwidths_in_one_pass_are_one_pass_each(kernel: Kernel, dimension: int, plane) -> None:
    x, y = plane(100, dimension), plane(600, dimension)
    factors = (0.2, 1.0, 30.0)
    for factor, together in zip(factors, kernel_means(kernel, factors, x, y), strict=True):
        alone = kernel_mean(kernel.scaled(factor), x, y)
        torch.testing.assert_close(together.shift, alone.shift, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(together.log_mass, alone.log_mass, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("dimension", [2, 40])
def test_the_number_of_threads_changes_no_bit(dtype, dimension: int, plane) -> None:
    x, y = plane(300, dimension).to(dtype), plane(900, dimension).to(dtype)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 2):
        torch.set_num_threads(threads)
        found.append(kernel_mean(Laplace(0.3), x, y).shift)
    torch.set_num_threads(before)
    assert torch.equal(found[1], found[2])
    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("dimension", [2, 40])
def test_deterministic_algorithms_are_what_they_are_asked_for(dimension: int, plane) -> None:
    x, y = plane(300, dimension).requires_grad_(), plane(900, dimension).requires_grad_()

    def bits() -> torch.Tensor:
        found = kernel_mean(Laplace(0.3), x, y)
        gradients = torch.autograd.grad(found.shift.square().sum() + found.log_mass.sum(), (x, y))
        return torch.cat([found.shift.flatten(), *map(torch.flatten, gradients)])

    torch.use_deterministic_algorithms(True)
    try:
        assert torch.equal(bits(), bits())
    finally:
        torch.use_deterministic_algorithms(False)


def test_near_points_in_many_dimensions_keep_their_digits(instruction_set: str, plane) -> None:
    """|x|² + |y|² − 2x·y of two near points is a difference of large numbers: those are taken from differences."""
    x = plane(300, 64).float()
    y = torch.cat([x + 1e-3 * plane(300, 64).float(), plane(200, 64).float()])
    kernel = Laplace(0.02)
    exact, log_mass = eager.shift_and_log_mass(kernel, x.double(), y.double(), None, False)
    found = kernel_mean(kernel, x, y)
    assert float((found.shift - exact).norm() / exact.norm()) < 1e-4  # x − y itself is rounded to 1e-4 of 1e-3
    assert float((found.log_mass - log_mass).abs().max()) < 1e-4
    by_products = (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).clamp_min(0).sqrt()
    assert float((torch.logsumexp(-by_products / 0.02, dim=1) - log_mass).abs().max()) > 1e-2  # so much is lost without


def test_own_distance_is_zero_in_many_dimensions(plane) -> None:
    x = plane(200, 64).float() + 100
    assert float(kernel_mean(Laplace(1e-3), x, x).shift.abs().max()) < 1e-30


@pytest.mark.parametrize("kernel", [Laplace(1.0), Gaussian(1.0)], ids=["laplace", "gaussian"])
def test_ten_thousand_bandwidths_from_the_origin_no_digit_is_lost(kernel: Kernel, plane) -> None:
    x, y = plane(200).float(), plane(500).float()
    moved = torch.tensor([1e4, -1e4])
    x, y = (x + moved).contiguous(), (y + moved).contiguous()  # rounded there, and exact from here on
    exact, _ = eager.shift_and_log_mass(kernel, x.double(), y.double(), None, False)
    naive = torch.softmax(kernel.log_profile(torch.cdist(x, y)), dim=1) @ y - x
    ours = float((kernel_mean(kernel, x, y).shift - exact).norm() / exact.norm())
    theirs = float((naive - exact).norm() / exact.norm())
    assert ours < 1e-6
    assert theirs > 100 * ours  # the naive form does lose them


@every_kernel
def test_queries_far_beyond_the_exponential_stay_finite(kernel: Kernel, instruction_set: str, plane) -> None:
    y = plane(300).float()
    x = y[:5] + 1e6
    found = kernel_mean(kernel, x, y)
    exact, log_mass = eager.shift_and_log_mass(kernel, x.double(), y.double(), None, False)
    assert torch.isfinite(found.shift).all()
    torch.testing.assert_close(found.log_mass.double(), log_mass, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found.shift.double(), exact, rtol=1e-5, atol=2.0)  # the nearest points tie in float32


def test_powers_are_kernels_of_the_same_kind_or_take_the_eager_path(plane) -> None:
    x, y = plane(20), plane(30)
    for base in (Gaussian(0.5), Laplace(0.5), RationalQuadratic(0.5, 1.2), Matern32(0.5)):
        squared = Power(base, 2.0)
        assert (terms_of(squared) is None) == isinstance(base, Matern32)
        found = kernel_mean(squared, x, y)
        shift, log_mass = eager.shift_and_log_mass(squared, x, y, None, False)
        torch.testing.assert_close(found.shift, shift, rtol=0, atol=1e-12)
        torch.testing.assert_close(found.log_mass, log_mass, rtol=0, atol=1e-12)


@every_kernel
def test_terms_say_all_of_a_kernel(kernel: Kernel) -> None:
    terms = terms_of(kernel)
    assert terms is not None
    r = torch.linspace(0, 5, 20, dtype=torch.float64)
    torch.testing.assert_close(kernel_of(terms).log_profile(r), kernel.log_profile(r), rtol=1e-13, atol=1e-13)


def test_tensors_of_any_layout_give_the_same(plane) -> None:
    x, y = plane(40), plane(60)
    expected = kernel_mean(Laplace(0.4), x, y).shift
    strided = torch.empty(2, 60, dtype=torch.float64).T.copy_(y)
    assert not strided.is_contiguous()
    assert torch.equal(kernel_mean(Laplace(0.4), x[::1], strided).shift, expected)
    one = plane(1).expand(30, 2)  # thirty queries in one place of memory
    torch.testing.assert_close(
        kernel_mean(Laplace(0.4), one, y).shift[29], kernel_mean(Laplace(0.4), one[:1], y).shift[0]
    )


def test_nan_goes_through_and_stays_in_its_row(plane) -> None:
    x, y = plane(10), plane(20)
    x[3, 1] = float("nan")
    found = kernel_mean(Laplace(0.4), x, y).shift
    assert found[3].isnan().any()
    assert torch.isfinite(found[[0, 1, 2, 4, 9]]).all()
    y[5] = float("nan")
    assert kernel_mean(Laplace(0.4), x, y).shift.isnan().any(dim=1).all()


@pytest.mark.parametrize(
    ("x", "y", "options", "told"),
    [
        (torch.zeros(3, 2), torch.zeros(4, 3), {}, r"\[n, d\] and \[m, d\]"),
        (torch.zeros(3, 2), torch.zeros(0, 2), {}, "at least one point"),
        (torch.zeros(3, 2), torch.zeros(4, 2).double(), {}, "all tensors must be float32 or all float64"),
        (torch.zeros(3, 2).half(), torch.zeros(4, 2).half(), {}, "all tensors must be float32 or all float64"),
        (torch.zeros(3, 2), torch.zeros(4, 2), {"log_weights": torch.zeros(3)}, "one log weight per point"),
        (torch.zeros(4, 2), torch.zeros(3, 2), {"exclude_diagonal": True}, "a point for every query"),
        (torch.zeros(1, 2), torch.zeros(1, 2), {"exclude_diagonal": True}, "at least 2 points"),
    ],
)
def test_tensors_that_do_not_go_together_are_refused_in_one_line(x, y, options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fused_mean.check(x, y, options.get("log_weights"), options.get("exclude_diagonal", False))


def test_no_queries_give_no_rows(plane) -> None:
    found = kernel_mean(Laplace(0.4), plane(0), plane(5))
    assert found.shift.shape == (0, 2)
    assert found.log_mass.shape == (0,)


_MEMORY = """
import resource, torch
from drift_cli.fused import kernel_mean
from drift_cli.kernels import Laplace
x = torch.randn(65_536, 2)
kernel_mean(Laplace(0.3), x[:64], x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kernel_mean(Laplace(0.3), x, x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pairs() -> None:
    """65,536 × 65,536 pairs would be 16 GiB as one float32 array."""
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True, timeout=300)
    assert float(done.stdout) < 100  # MiB above the start


def test_weights_that_are_lost_cost_nothing(instruction_set: str, plane) -> None:
    """Weights below the smallest normal number of single precision, of a narrow mixture, took eight times as long."""
    x = plane(512).float()

    def cost(bandwidth: float) -> float:
        kernel = Mixture(bandwidth, (Gaussian(bandwidth), Gaussian(30 * bandwidth)), (1.0, 1e-3))
        return min(_seconds(kernel, x) for _ in range(10))

    assert cost(0.01) < 3 * cost(1.0)
    assert float(torch.tensor(1e-40) * 1) > 0  # and torch keeps them afterwards


def _seconds(kernel: Kernel, x: torch.Tensor) -> float:
    began = time.process_time()
    kernel_mean(kernel, x, x)
    return time.process_time() - began
