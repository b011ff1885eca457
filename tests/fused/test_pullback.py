"""The derivatives of the loops against float64 autograd of the dense formula, on every instruction set."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from drift_cli.fused import kernel_mean, kernel_means, log_masses
from drift_cli.kernels import Gaussian, Kernel, Laplace
from drift_cli.training.loss import loss_and_drift
from tests.problems.kernels import FEW, KERNELS

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
few_kernels = pytest.mark.parametrize("kernel", FEW)
# Relative, of the whole gradient. Float32: sums of a thousand terms, and products lose what their points cancel.
ROUNDING = {torch.float64: 1e-11, torch.float32: 2e-5}
_SETS = {"n": 210, "m": 1100}  # several runs of rows, more points than two tiles, neither a multiple of a vector


def dense(kernel: Kernel, x: Tensor, y: Tensor, log_weights: Tensor | None, exclude: bool) -> tuple[Tensor, Tensor]:
    """M and log m by the formula, every pair at once; the root of a zero square is given the derivative zero."""
    square = (x[:, None] - y[None]).square().sum(dim=2)
    r = torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)
    logits = kernel.log_profile(r) if log_weights is None else kernel.log_profile(r) + log_weights
    if exclude:
        logits = logits.masked_fill(torch.eye(len(x), dtype=torch.bool), -torch.inf)
    return torch.softmax(logits, dim=1) @ y - x, torch.logsumexp(logits, dim=1)


def gradients(evaluate, inputs: list[Tensor], at_shift: Tensor, at_mass: Tensor) -> list[Tensor]:
    """What arrives at the inputs when `at_shift` arrives at M and `at_mass` at log m."""
    inputs = [t.clone().requires_grad_() for t in inputs]
    shift, log_mass = evaluate(*inputs)
    return list(torch.autograd.grad((at_shift * shift).sum() + (at_mass * log_mass).sum(), inputs))


def distance(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm())


@every_kernel
@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 5, 6, 7, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_they_are_those_of_the_dense_formula(
    kernel: Kernel, dimension: int, weighted: bool, instruction_sets, plane
) -> None:
    kernel = kernel.scaled(max(1.0, (dimension / 2) ** 0.5))  # distances grow with the root of the dimension
    n, m = _SETS["n"], _SETS["m"]
    inputs = [plane(n, dimension), plane(m, dimension) + 0.5, *([plane(m, 1).squeeze(1)] * weighted)]
    arriving = plane(n, dimension), plane(n, 1).squeeze(1)
    expected = gradients(lambda x, y, w=None: dense(kernel, x, y, w, False), inputs, *arriving)

    def fused(x, y, w=None):
        found = kernel_mean(kernel, x, y, log_weights=w)
        return found.shift, found.log_mass

    for name, (dtype, rounding) in itertools.product(instruction_sets(), ROUNDING.items()):
        found = gradients(fused, [t.to(dtype) for t in inputs], *(t.to(dtype) for t in arriving))
        for ours, theirs in zip(found, expected, strict=True):
            assert distance(ours, theirs) < rounding, (name, dtype)


@few_kernels
@pytest.mark.parametrize("dimension", [2, 40])
def test_the_diagonal_carries_nothing_where_it_is_left_out(kernel: Kernel, dimension: int, plane) -> None:
    """One set of points as queries and as points, as in training: both ways into it add up."""
    n = 700
    arriving = plane(n, dimension), plane(n, 1).squeeze(1)

    def fused(x):
        found = kernel_mean(kernel, x, x, exclude_diagonal=True)
        return found.shift, found.log_mass

    x = plane(n, dimension)
    (found,) = gradients(fused, [x], *arriving)
    (expected,) = gradients(lambda x: dense(kernel, x, x, None, True), [x], *arriving)
    (included,) = gradients(lambda x: dense(kernel, x, x, None, False), [x], *arriving)
    assert distance(found, expected) < ROUNDING[torch.float64]
    assert distance(found, included) > 1e-3  # leaving it out is seen


@few_kernels
@pytest.mark.parametrize("dimension", [2, 40])
def test_several_bandwidths_add_up(kernel: Kernel, dimension: int, plane) -> None:
    x, y, factors = plane(100, dimension), plane(600, dimension), (0.7, 1.0, 3.0)
    arriving = [plane(100, dimension) for _ in factors]

    def at_once(x, y):
        found = kernel_means(kernel, factors, x, y)
        return torch.stack([mean.shift for mean in found]), torch.stack([mean.log_mass for mean in found])

    found = gradients(at_once, [x, y], torch.stack(arriving), torch.ones(3, 100, dtype=torch.float64))
    alone = [
        gradients(lambda x, y, f=f: dense(kernel.scaled(f), x, y, None, False), [x, y], g, torch.ones(100).double())
        for f, g in zip(factors, arriving, strict=True)
    ]
    for k in (0, 1):
        assert distance(found[k], sum(each[k] for each in alone)) < ROUNDING[torch.float64]


@few_kernels
@pytest.mark.parametrize("dimension", [2, 40])
def test_masses_alone_have_their_own_derivatives(kernel: Kernel, dimension: int, plane) -> None:
    x, y, weights = plane(100, dimension), plane(600, dimension), plane(600, 1).squeeze(1)
    nothing, mu = torch.zeros_like(x), plane(100, 1).squeeze(1)
    expected = gradients(lambda *inputs: dense(kernel, *inputs, False), [x, y, weights], nothing, mu)

    def masses(x, y, w):
        return nothing, log_masses(kernel, (1.0,), x, y, log_weights=w)[0]

    for ours, theirs in zip(gradients(masses, [x, y, weights], nothing, mu), expected, strict=True):
        assert distance(ours, theirs) < ROUNDING[torch.float64]


@pytest.mark.parametrize("dimension", [2, 40])
@pytest.mark.parametrize("wanted", list(itertools.product([False, True], repeat=3))[1:])
def test_what_is_not_wanted_changes_no_bit_of_the_rest(dimension: int, wanted: tuple[bool, ...], plane) -> None:
    inputs = [plane(150, dimension), plane(600, dimension), plane(600, 1).squeeze(1)]

    def found(attached: tuple[bool, ...]) -> list[Tensor | None]:
        x, y, weights = (t.clone().requires_grad_(a) for t, a in zip(inputs, attached, strict=True))
        kernel_mean(Laplace(0.6), x, y, log_weights=weights).shift.square().sum().backward()
        return [t.grad for t in (x, y, weights)]

    for some, every, want in zip(found(wanted), found((True, True, True)), wanted, strict=True):
        assert (some is not None) == want
        assert not want or torch.equal(some, every)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("dimension", [2, 40])
def test_the_number_of_threads_changes_no_bit(dtype, dimension: int, plane) -> None:
    x, y = plane(500, dimension).to(dtype).requires_grad_(), plane(900, dimension).to(dtype).requires_grad_()
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        parts = torch.autograd.grad(kernel_mean(Laplace(0.6), x, y).shift.square().sum(), (x, y))
        found.append(torch.cat([part.flatten() for part in parts]))
    torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("kernel", [Laplace(1.0), Gaussian(1.0)], ids=["laplace", "gaussian"])
def test_far_from_the_origin_no_digit_is_lost(kernel: Kernel, plane) -> None:
    """Ten thousand bandwidths away, where float32 coordinates have three digits left after the point."""
    moved = torch.tensor([1e4, -1e4])
    x, y = (plane(200).float() + moved).contiguous(), (plane(500).float() + moved).contiguous()
    g = plane(200)
    expected = gradients(lambda *sets: dense(kernel, *sets, None, False), [x.double(), y.double()], g, g[:, 0] * 0)

    def fused(x, y):
        return kernel_mean(kernel, x, y).shift, x[:, 0] * 0

    for ours, theirs in zip(gradients(fused, [x, y], g.float(), g[:, 0].float()), expected, strict=True):
        assert distance(ours, theirs) < 1e-5


@pytest.mark.parametrize("dimension", [2, 40])
def test_points_that_coincide_do_not_move_each_other(dimension: int, plane) -> None:
    """Laplace has a cusp there: the limits from two sides differ, and their mean is zero."""
    x = plane(300, dimension)
    twice = torch.cat([x, x[:150]])
    (found,) = gradients(lambda t: tuple(vars(kernel_mean(Laplace(0.8), t, t)).values()), [twice], twice, twice[:, 0])
    (expected,) = gradients(lambda t: dense(Laplace(0.8), t, t, None, False), [twice], twice, twice[:, 0])
    assert distance(found, expected) < ROUNDING[torch.float64]


def test_no_queries_carry_nothing(plane) -> None:
    x, y = plane(0).requires_grad_(), plane(5).requires_grad_()
    kernel_mean(Laplace(0.4), x, y).shift.sum().backward()
    assert x.grad.shape == (0, 2)
    assert float(y.grad.abs().max()) == 0


def test_both_paths_are_the_query_and_the_samples_together(plane) -> None:
    """|V|² has the gradient of its two paths' sum: through the query alone, and through the samples alone."""
    data, start = plane(300), plane(250)

    def field(query: Tensor, samples: Tensor) -> Tensor:
        return kernel_mean(Laplace(0.5), query, data).shift - kernel_mean(Laplace(0.5), query, samples).shift

    def gradient(paths: str) -> Tensor:
        x = start.clone().requires_grad_()
        loss_and_drift(paths, x, field)[0].backward()
        return x.grad

    assert distance(gradient("query") + gradient("samples"), gradient("both")) < ROUNDING[torch.float64]


_MEMORY = """
import resource, torch
from drift_cli.fused import kernel_mean
from drift_cli.kernels import Laplace
def derivative(n):
    x = torch.randn(n, 2, requires_grad=True)
    kernel_mean(Laplace(0.3), x, x).shift.square().sum().backward()
derivative(64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
derivative(32_768)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pairs() -> None:
    """32,768 × 32,768 pairs would be 4 GiB as one float32 array."""
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True, timeout=300)
    assert float(done.stdout) < 100  # MiB above the start
