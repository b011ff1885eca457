"""The GPU's derivatives against float64 autograd of the dense formula: on a GPU, else through Triton's interpreter."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from drift_cli.fused import gpu, kernel_means, log_masses, native
from drift_cli.fused.pullback import Wanted
from drift_cli.fused.terms import terms_of
from drift_cli.kernels import Gaussian, Kernel, Laplace, Mixture
from tests.fused.test_operator import arguments
from tests.fused.test_pullback import dense, distance, gradients
from tests.problems.kernels import FEW, KERNELS

pytest.importorskip("triton", reason="Triton is installed on Linux alone")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
on_a_gpu = pytest.mark.skipif(DEVICE == "cpu", reason="needs a GPU")
few_kernels = pytest.mark.parametrize("kernel", FEW)
# Relative, of a whole gradient: sums of some hundred terms, in float32 of exponents of some tens.
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5}
N, M = 37, 43  # two or three tiles of 16 and of 32, the last one not full
# From 9 on by products. A kernel alone changes a profile, so one of them goes through every dimension, and the others
# through one of each way of summing; the rest takes the interpreter a minute.
DIMENSIONS = (1, 2, 3, 8, 9, 40)
QUICK = {(name, d) for name in KERNELS for d in (2, 9)} | {("mixture", d) for d in DIMENSIONS[:-1]}
CASES = [
    pytest.param(kernel, d, id=f"{name}-{d}", marks=() if (name, d) in QUICK else pytest.mark.slow)
    for name, kernel in KERNELS.items()
    for d in DIMENSIONS
]
EVERYTHING = Wanted(x=True, y=True, log_weights=True)


def found(
    kernel: Kernel,
    x: Tensor,
    y: Tensor,
    log_weights: Tensor | None,
    arriving: tuple[Tensor, Tensor],
    *,
    factors: tuple[float, ...] = (1.0,),
    exclude: bool = False,
    mass_only: bool = False,
    wanted: Wanted = EVERYTHING,
) -> list[Tensor]:
    """The gradients at x, y and the log weights when `arriving` [f, n, d], [f, n] arrives: both passes on the GPU."""
    terms = terms_of(kernel)
    assert terms is not None
    x, y, log_weights, g, mu = (None if t is None else t.to(DEVICE) for t in (x, y, log_weights, *arriving))
    sums = gpu.kernel_mean(terms, list(factors), x, y, log_weights, exclude, mass_only)
    ours = gpu.pullback(terms, list(factors), x, y, log_weights, exclude, sums, (g, mu), wanted)
    return [ours.x.cpu(), ours.y.cpu(), ours.log_weights.cpu()]


def spread(kernel: Kernel, dimension: int) -> Kernel:
    """Distances grow with the root of the dimension; the kernel's bandwidth too, so that no weight is alone."""
    return kernel.scaled(max(1.0, (dimension / 2) ** 0.5))


@pytest.mark.parametrize(("kernel", "dimension"), CASES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_they_are_those_of_the_dense_formula(kernel: Kernel, dimension: int, dtype, plane) -> None:
    if DEVICE == "cuda" and dimension > 8 and dtype == torch.float64:
        pytest.skip("a GPU is not given float64 in more than 8 dimensions")
    kernel = spread(kernel, dimension)
    weighted = (dimension % 2 == 0) == (dtype == torch.float64)  # each dtype and each way of summing with and without
    x, y, log_weights = plane(N, dimension), plane(M, dimension) + 0.5, plane(M, 1).squeeze(1)
    y[:4] = x[:4]  # four pairs coincide
    inputs = [t.to(dtype) for t in (x, y, *[log_weights] * weighted)]
    g, mu = plane(N, dimension).to(dtype), plane(N, 1).squeeze(1).to(dtype)
    exact = gradients(lambda x, y, w=None: dense(kernel, x, y, w, False), [t.double() for t in inputs], g, mu)
    ours = found(kernel, *inputs, *[None] * (not weighted), (g[None], mu[None]))
    for mine, theirs in zip(ours[: len(exact)], exact, strict=True):
        assert mine.dtype == dtype
        assert distance(mine, theirs) < ROUNDING[dtype]


@few_kernels
@pytest.mark.parametrize("dimension", [2, 9])
def test_the_diagonal_carries_nothing_where_it_is_left_out(kernel: Kernel, dimension: int, plane) -> None:
    """One set of points as queries and as points, as in training: both ways into it add up."""
    kernel, x = spread(kernel, dimension), plane(N, dimension)
    g, mu = plane(N, dimension), plane(N, 1).squeeze(1)
    at_x, at_y, _ = found(kernel, x, x, None, (g[None], mu[None]), exclude=True)
    (exact,) = gradients(lambda x: dense(kernel, x, x, None, True), [x], g, mu)
    (included,) = gradients(lambda x: dense(kernel, x, x, None, False), [x], g, mu)
    assert distance(at_x + at_y, exact) < ROUNDING[torch.float64]
    assert distance(at_x + at_y, included) > 1e-3  # leaving it out is seen


@few_kernels
@pytest.mark.parametrize("mass_only", [False, True])
def test_several_bandwidths_add_up_and_masses_alone_have_their_own(kernel: Kernel, mass_only: bool, plane) -> None:
    factors = (0.7, 1.0, 3.0)
    inputs = [plane(N), plane(M), plane(M, 1).squeeze(1)]
    g, mu = plane(3 * N).reshape(3, N, 2) * (not mass_only), plane(N, 3).T.contiguous()
    ours = found(kernel, *inputs, (g[:, :0] if mass_only else g, mu), factors=factors, mass_only=mass_only)
    exact = [
        gradients(lambda *sets, f=f: dense(kernel.scaled(f), *sets, False), inputs, *arriving)
        for f, *arriving in zip(factors, g, mu, strict=True)
    ]
    for mine, *theirs in zip(ours, *exact, strict=True):
        assert distance(mine, sum(theirs)) < ROUNDING[torch.float64]


@pytest.mark.parametrize("dimension", [2, 9])
@pytest.mark.parametrize("wanted", list(itertools.starmap(Wanted, itertools.product([False, True], repeat=3)))[1:])
def test_what_is_not_wanted_is_empty_and_changes_nothing_of_the_rest(dimension: int, wanted: Wanted, plane) -> None:
    inputs = plane(N, dimension), plane(M, dimension), plane(M, 1).squeeze(1)
    arriving = plane(N, dimension)[None], plane(N, 1).T.contiguous()
    rounding = 0.0 if DEVICE == "cpu" else 1e-12  # the compiler may lay other code out otherwise
    whole, some = (found(Laplace(0.8), *inputs, arriving, wanted=each) for each in (EVERYTHING, wanted))
    for part, every, want in zip(some, whole, vars(wanted).values(), strict=True):
        torch.testing.assert_close(part, every if want else every[:0], rtol=rounding, atol=rounding)


@pytest.mark.parametrize("dimension", [2, 9])
@pytest.mark.parametrize("kernel", [Laplace(1.0), Gaussian(1.0)], ids=["laplace", "gaussian"])
def test_far_from_the_origin_no_digit_is_lost_and_far_queries_stay_finite(
    kernel: Kernel, dimension: int, plane
) -> None:
    """Ten thousand bandwidths away, where float32 coordinates have three digits left after the point."""
    kernel = spread(kernel, dimension)
    x, y = plane(N, dimension).float() + 1e4, plane(M, dimension).float() + 1e4
    g, mu = plane(N, dimension).float(), plane(N, 1).squeeze(1).float()
    exact = gradients(lambda *sets: dense(kernel, *sets, None, False), [x.double(), y.double()], g, mu)
    for mine, theirs in zip(found(kernel, x, y, None, (g[None], mu[None])), exact, strict=False):
        assert distance(mine, theirs) < ROUNDING[torch.float32]
    narrow = found(kernel.scaled(0.01), x + 1e3, y, None, (g[None], mu[None]))
    assert all(torch.isfinite(part).all() for part in narrow)


@pytest.mark.parametrize("name", ["matern32", "matern52"])
def test_a_mass_falls_at_the_rate_of_the_exponential_far_beyond_the_prefactor_s_bound(name: str, plane) -> None:
    """Ten million lengths away the prefactor is no longer counted; its share of the derivative is 10⁻⁷."""
    kernel, x, y = KERNELS[name], plane(5), plane(M) + torch.tensor([7e6, 0.0], dtype=torch.float64)
    mu = torch.ones(5, dtype=torch.float64)
    (exact, *_) = gradients(lambda *sets: dense(kernel, *sets, None, False), [x, y], 0 * x, mu)
    (ours, *_) = found(kernel, x, y, None, (0 * x[None], mu[None]))
    assert distance(ours, exact) < 1e-6


def test_a_term_of_small_weight_is_not_cut(plane) -> None:
    """Alone where the points are, it exceeds the mass by 1/weight before its weight is counted."""
    kernel = Mixture(1.0, (Gaussian(0.01), Gaussian(1.0)), (1e6, 1.0))
    x, y = plane(N) * 0.1, plane(M) * 0.1 + 2.0
    g, mu = plane(N), plane(N, 1).squeeze(1)
    exact = gradients(lambda *sets: dense(kernel, *sets, None, False), [x, y], g, mu)
    for mine, theirs in zip(found(kernel, x, y, None, (g[None], mu[None])), exact, strict=False):
        assert distance(mine, theirs) < ROUNDING[torch.float64]


@pytest.mark.skipif(DEVICE == "cuda", reason="the interpreter alone sees a function exchanged")
def test_a_kernel_whose_weight_is_forgotten_is_caught(monkeypatch: pytest.MonkeyPatch, plane) -> None:
    """The negative control: without W the gradients at the points are wrong, and that at the log weights is not."""
    from drift_cli.fused import gpu_pullback_kernel

    monkeypatch.setattr(gpu_pullback_kernel, "term_weight", lambda squared, gap, *_: gap * 0.0)
    inputs, g, mu = [plane(N), plane(M), plane(M, 1).squeeze(1)], plane(N), plane(N, 1).squeeze(1)
    exact = gradients(lambda *sets: dense(Laplace(0.7), *sets, False), inputs, g, mu)
    ours = found(Laplace(0.7), *inputs, (g[None], mu[None]))
    far = [distance(mine, theirs) for mine, theirs in zip(ours, exact, strict=True)]
    assert far[0] > 1e-2
    assert far[1] > 1e-2
    assert far[2] < ROUNDING[torch.float64]


@pytest.fixture
def through_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator takes the GPU's way with what is on DEVICE."""
    if DEVICE == "cpu":
        monkeypatch.setattr(native, "library", lambda: None)
        monkeypatch.setattr(gpu, "takes", lambda x: len(x) > 0)


@few_kernels
def test_the_operator_goes_through_them(kernel: Kernel, through_the_gpu: None, plane) -> None:
    inputs = [plane(N).to(DEVICE), plane(M).to(DEVICE), plane(M, 1).squeeze(1).to(DEVICE)]
    g, mu = plane(N), plane(N, 1).squeeze(1)

    def fused(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        (mean,) = kernel_means(kernel, (1.0,), x, y, log_weights=w)
        alone = log_masses(kernel, (1.0,), x, y, log_weights=w)[0]
        return mean.shift.cpu(), (mean.log_mass + alone).cpu()  # through the masses twice: with the means and alone

    exact = gradients(lambda *sets: dense(kernel, *sets, False), [t.cpu() for t in inputs], g, 2 * mu)
    for mine, theirs in zip(gradients(fused, inputs, g, mu), exact, strict=True):
        assert distance(mine.cpu(), theirs) < ROUNDING[torch.float64]


@pytest.mark.parametrize("mass_only", [False, True])
def test_opcheck(mass_only: bool, through_the_gpu: None, plane) -> None:
    x, y = (plane(count).to(DEVICE).requires_grad_() for count in (9, 8))
    given = arguments(Gaussian(0.6), x, y, mass_only=mass_only)
    torch.library.opcheck(torch.ops.drift.kernel_mean.default, given)


@on_a_gpu
@pytest.mark.parametrize("dimension", [2, 40])
def test_a_graph_captures_them_and_the_bits_are_the_same_each_time(dimension: int, plane) -> None:
    x, y = (plane(count, dimension).float().cuda().requires_grad_() for count in (2000, 1500))

    def derivative() -> Tensor:
        (mean,) = kernel_means(Laplace(0.8), (1.0,), x, y)
        return torch.cat(torch.autograd.grad(mean.shift.square().sum(), (x, y)))

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):  # compiled before the capture
        first = derivative()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = derivative()
    for _ in range(3):
        graph.replay()
        torch.cuda.synchronize()
        assert torch.equal(captured, first)


_COMPILE = """
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import triton
from drift_cli.fused import gpu_pullback_kernel as module

inputs = ("x", "y", "log_weights", "numbers", "log_mass", "mass_gradient", "shift", "shift_gradient", "found")
queries = (module.query_gradient, inputs, {})
points = (module.point_gradient, (*inputs, "found_log_weights"), dict(points_too=True, weights_too=True))
for dtype, d, padded, kinds, weighted, mass_only in (
    ("fp32", 2, 2, (1,), False, False), ("fp32", 20, 32, (0, 3), True, False), ("fp64", 3, 4, (4, 2), True, True)
):
    shape = dict(d=d, padded=padded, kinds=kinds, term_count=len(kinds), weighted=weighted, exclude=True,
                 mass_only=mass_only, products=d > 8, own=16, others=32)
    for kernel, names, flags in (queries, points):
        constants = shape | flags
        types = {name: f"*{dtype}" for name in names} | {"n": "i32", "m": "i32"}
        source = ASTSource(kernel, types | dict.fromkeys(constants, "constexpr"), constants)
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": False})
        assert made.asm["cubin"], dtype
        assert "tf32" not in made.asm["ptx"], dtype
        assert "atom." not in made.asm["ptx"] and "red.global" not in made.asm["ptx"], dtype
print("compiled")
"""


def test_they_compile_for_a_gpu_without_one_keep_float32_and_use_no_atomics() -> None:
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
