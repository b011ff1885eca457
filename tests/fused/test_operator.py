"""The torch operator: derivatives, tracing, and what torch's own checks say."""

from __future__ import annotations

import pytest
import torch

from drift_cli.fused import eager, kernel_mean, operator
from drift_cli.fused.terms import terms_of
from drift_cli.kernels import Gaussian, Kernel, Laplace
from tests.problems.kernels import KERNELS

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def arguments(kernel: Kernel, x, y, log_weights=None, exclude=False, mass_only=False):
    terms = terms_of(kernel)
    assert terms is not None
    kinds, numbers = operator.packed(terms)
    return x, y, log_weights, kinds, numbers, [1.0, 2.5], exclude, mass_only


@every_kernel
@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("dimension", [2, 40])
def test_first_derivatives_are_those_of_the_reference(kernel: Kernel, exclude: bool, dimension: int, plane) -> None:
    n = 70  # more than a block of rows
    x, y, weights = plane(n, dimension), plane(n, dimension), plane(n, 1).squeeze(1)
    a, b = plane(n, dimension), plane(n, 1).squeeze(1)

    def derivatives(evaluate):
        inputs = [t.clone().requires_grad_() for t in (x, y, weights)]
        shift, log_mass = evaluate(*inputs)
        return torch.autograd.grad((a * shift).sum() + (b * log_mass).sum(), inputs)

    def fused(x, y, weights):
        found = kernel_mean(kernel, x, y, log_weights=weights, exclude_diagonal=exclude)
        return found.shift, found.log_mass

    ours = derivatives(fused)
    theirs = derivatives(lambda x, y, weights: eager.shift_and_log_mass(kernel, x, y, weights, exclude))
    for found, expected in zip(ours, theirs, strict=True):
        assert float((found - expected).norm() / expected.norm()) < 1e-10


@every_kernel
def test_gradcheck(kernel: Kernel, plane) -> None:
    inputs = (plane(6).requires_grad_(), plane(7).requires_grad_(), plane(7, 1).squeeze(1).requires_grad_())

    def evaluate(x, y, weights):
        return operator.kernel_mean(*arguments(kernel, x, y, weights))

    assert torch.autograd.gradcheck(evaluate, inputs, eps=1e-6, atol=1e-8, rtol=1e-6)


@every_kernel
@pytest.mark.parametrize("dimension", [2, 40])
def test_masses_alone_are_the_masses(kernel: Kernel, dimension: int, plane) -> None:
    x, y, weights = plane(70, dimension).requires_grad_(), plane(600, dimension), plane(600, 1).squeeze(1)
    both = operator.kernel_mean(*arguments(kernel, x, y, weights))
    alone = operator.kernel_mean(*arguments(kernel, x, y, weights, mass_only=True))
    assert alone[0].shape == (2, 0, dimension)
    torch.testing.assert_close(alone[1], both[1], rtol=0, atol=1e-12)
    (ours,) = torch.autograd.grad(alone[1].square().sum(), x)
    (theirs,) = torch.autograd.grad(both[1].square().sum(), x)
    torch.testing.assert_close(ours, theirs)


def test_only_the_wanted_paths_carry_gradient(plane) -> None:
    x, samples = plane(20).requires_grad_(), plane(20)
    kernel_mean(Laplace(0.5), x, samples).shift.square().sum().backward()
    assert x.grad is not None
    query, model = plane(20), plane(20).requires_grad_()
    kernel_mean(Laplace(0.5), query, model).shift.square().sum().backward()
    assert model.grad is not None
    assert query.grad is None


def test_points_that_coincide_have_finite_derivatives(plane) -> None:
    x = plane(10).requires_grad_()
    kernel_mean(Laplace(0.5), x, x).shift.square().sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("dimension", [2, 40])
def test_opcheck(dimension: int, plane) -> None:
    x, y = plane(9, dimension).requires_grad_(), plane(8, dimension).requires_grad_()
    torch.library.opcheck(torch.ops.drift.kernel_mean.default, arguments(Gaussian(0.6), x, y))


def test_it_traces_whole_under_compile(plane) -> None:
    x, y = plane(20), plane(30)
    numbers = arguments(Laplace(0.5), x, y)[2:]  # outside: the shape checks of the tests cannot be traced

    def evaluate(x, y):
        return torch.ops.drift.kernel_mean(x, y, *numbers)[0] * 2

    traced = torch.compile(evaluate, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(traced(x, y), evaluate(x, y), rtol=0, atol=0)
