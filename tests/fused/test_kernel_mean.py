from __future__ import annotations

import pytest
import torch

from drift_cli.fused import eager, kernel_mean
from drift_cli.kernels import Gaussian, Kernel, Laplace
from tests.problems.kernels import KERNELS

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
ROUNDING = {"rtol": 1e-12, "atol": 1e-13}  # sums of a few hundred float64 terms of size one


def dense_logits(kernel: Kernel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return kernel.log_profile(torch.linalg.vector_norm(x[:, None] - y[None], dim=2))


@every_kernel
@pytest.mark.parametrize("dimension", [1, 2, 4, 7, 30])
def test_blocks_of_rows_change_nothing(kernel: Kernel, dimension: int, plane) -> None:
    x, y = plane(2 * eager._BLOCK + 3, dimension), plane(50, dimension)
    logits = dense_logits(kernel, x, y)
    found = kernel_mean(kernel, x, y)
    torch.testing.assert_close(found.shift, torch.softmax(logits, dim=1) @ y - x, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.log_mass, torch.logsumexp(logits, dim=1), rtol=1e-9, atol=1e-9)


@every_kernel
def test_leaving_out_the_diagonal_is_leaving_out_the_sample(kernel: Kernel, plane) -> None:
    x = plane(eager._BLOCK + 5)
    found = kernel_mean(kernel, x, x, exclude_diagonal=True)
    for i in (0, eager._BLOCK - 1, eager._BLOCK + 4):
        others = torch.cat([x[:i], x[i + 1 :]])
        alone = kernel_mean(kernel, x[i : i + 1], others)
        torch.testing.assert_close(found.shift[i], alone.shift[0], **ROUNDING)
        torch.testing.assert_close(found.log_mass[i], alone.log_mass[0], **ROUNDING)


def test_an_integer_log_weight_is_that_many_copies(plane) -> None:
    x, y = plane(10), plane(6)
    copies = torch.tensor([1, 3, 2, 1, 1, 4])
    weighted = kernel_mean(Laplace(0.5), x, y, log_weights=copies.double().log())
    repeated = kernel_mean(Laplace(0.5), x, y.repeat_interleave(copies, dim=0))
    torch.testing.assert_close(weighted.shift, repeated.shift, **ROUNDING)
    torch.testing.assert_close(weighted.log_mass, repeated.log_mass, **ROUNDING)


@pytest.mark.parametrize("kernel", [Gaussian(0.01), Laplace(0.01)])
def test_far_queries_stay_finite_in_float32(kernel: Kernel, plane) -> None:
    y = plane(40).float()
    x = y[:5] + 1e3
    found = kernel_mean(kernel, x, y)
    assert torch.isfinite(found.shift).all()
    assert torch.isfinite(found.log_mass).all()


def test_a_row_without_points_is_refused(plane) -> None:
    x = plane(1)
    with pytest.raises(ValueError, match="at least 2 points"):
        kernel_mean(Gaussian(1.0), x, x, exclude_diagonal=True)


def test_points_that_coincide_are_at_distance_zero_in_low_dimension(plane) -> None:
    x = plane(8).float() + 1e4  # a product of uncentred points would lose this distance to rounding
    found = kernel_mean(Laplace(1e-3), x, x)
    assert found.shift.abs().max() < 1e-30  # what e^-80 leaves of the others
