"""Classes in one call are the calls one by one."""

from __future__ import annotations

import pytest
import torch

from drift_cli.fused import kernel_mean, kernel_means, log_masses, mean, operator
from drift_cli.kernels import Kernel, Laplace, Matern32, Power
from tests.problems.kernels import KERNELS

C, N, M = 5, 37, 70  # rows that fill no block, and not the same number of them for two threads
every_kernel = pytest.mark.parametrize("kernel", [*KERNELS.values(), Power(Matern32(0.5), 2.0)])


@every_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dimension", [2, 5, 40])
@pytest.mark.parametrize("exclude", [False, True])
def test_every_bit_is_that_of_a_class_alone(kernel: Kernel, dtype, dimension: int, exclude: bool, plane) -> None:
    x = plane(C * N, dimension).to(dtype).unflatten(0, (C, N))
    y = plane(C * M, dimension).to(dtype).unflatten(0, (C, M)) + torch.arange(C).to(dtype)[:, None, None]
    log_weights = plane(C * M, 1).to(dtype).view(C, M)
    factors = (0.5, 2.0)
    options = {"log_weights": log_weights, "exclude_diagonal": exclude}
    together = kernel_means(kernel, factors, x, y, **options)
    masses = log_masses(kernel, factors, x, y, exclude_diagonal=exclude)
    for k in range(C):
        options["log_weights"] = log_weights[k]
        for f, alone in enumerate(kernel_means(kernel, factors, x[k], y[k], **options)):
            assert torch.equal(together[f].shift[k], alone.shift)
            assert torch.equal(together[f].log_mass[k], alone.log_mass)
        for f, alone in enumerate(log_masses(kernel, factors, x[k], y[k], exclude_diagonal=exclude)):
            assert torch.equal(masses[f][k], alone)


@pytest.mark.parametrize("dimension", [2, 40])
def test_the_number_of_threads_changes_no_bit(dimension: int, plane) -> None:
    x, y = plane(C * N, dimension).view(C, N, dimension), plane(C * M, dimension).view(C, M, dimension)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(kernel_mean(Laplace(0.3), x, y).shift)
    torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("dimension", [2, 40])
def test_a_class_feels_no_point_of_another_however_far(dimension: int, plane) -> None:
    x, y = plane(C * N, dimension).view(C, N, dimension), plane(C * M, dimension).view(C, M, dimension)
    far = y.clone()
    far[1:] *= 1e150
    near = kernel_mean(Laplace(0.3), x, y).shift
    assert torch.equal(kernel_mean(Laplace(0.3), x, far).shift[0], near[0])
    assert not torch.equal(kernel_mean(Laplace(0.3), x, far).shift[1], near[1])


@every_kernel
@pytest.mark.parametrize("dimension", [2, 40])
def test_derivatives_are_those_of_a_class_alone(kernel: Kernel, dimension: int, plane) -> None:
    x, y = plane(C * N, dimension).view(C, N, dimension), plane(C * M, dimension).view(C, M, dimension)
    weights, toward = plane(C * M, 1).view(C, M), plane(C * N, dimension).view(C, N, dimension)
    leaves = [t.requires_grad_() for t in (x, y, weights)]

    def loss(k: slice | int) -> torch.Tensor:
        found = kernel_mean(kernel, x[k], y[k], log_weights=weights[k])
        return (found.shift * toward[k]).sum() + found.log_mass.square().sum()

    together = torch.autograd.grad(loss(slice(None)), leaves)
    alone = torch.autograd.grad(sum(loss(k) for k in range(C)), leaves)
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dimension", [2, 40])
def test_points_beyond_the_queries_are_never_left_out(dimension: int, plane) -> None:
    x, more = plane(N, dimension), plane(9, dimension)
    found = kernel_mean(Laplace(0.5), x, torch.cat([x, more]), exclude_diagonal=True)
    for i in (0, N - 1):
        others = torch.cat([x[:i], x[i + 1 :], more])
        alone = kernel_mean(Laplace(0.5), x[i : i + 1], others)
        torch.testing.assert_close(found.shift[i], alone.shift[0], rtol=1e-12, atol=1e-13)
    # Weights as guidance has them: what is left out of both sums has no part in the mean.
    half = torch.cat([torch.zeros(N, dtype=x.dtype), torch.full((9,), -0.7, dtype=x.dtype)])
    weighted = kernel_mean(Laplace(0.5), x, torch.cat([x, more]), log_weights=half, exclude_diagonal=True)
    own = kernel_mean(Laplace(0.5), x, x, exclude_diagonal=True)
    extra = kernel_mean(Laplace(0.5), x, more)
    share = torch.sigmoid(extra.log_mass - 0.7 - own.log_mass)[:, None]
    torch.testing.assert_close(weighted.shift, torch.lerp(own.shift, extra.shift, share), rtol=1e-10, atol=1e-12)


def test_the_operator_says_the_shapes_it_gives(plane) -> None:
    x, y = plane(C * N).view(C, N, 2), plane(C * M).view(C, M, 2)
    for mass_only in (False, True):
        arguments = (x, y, None, [1], [0.3, 1.0, 1.0], [1.0, 2.0], False, mass_only)
        torch.library.opcheck(operator.kernel_mean, arguments, test_utils=("test_schema", "test_faketensor"))


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (torch.zeros(2, 3, 2), torch.zeros(3, 3, 2), "of the same classes"),
        (torch.zeros(0, 3, 2), torch.zeros(0, 3, 2), "of the same classes"),
        (torch.zeros(2, 3, 2), torch.zeros(3, 2), "must be"),
    ],
)
def test_what_does_not_go_together_is_refused(x, y, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        mean.check(x, y, None, False)
