from __future__ import annotations

import pytest
import torch

from drift_cli.drift import BatchNormalized
from drift_cli.kernels import Kernel, Laplace
from tests.problems.kernels import KERNELS

every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
MASKED, FULL = BatchNormalized("exclude"), BatchNormalized("include")


def pair_form(kernel: Kernel, x: torch.Tensor, data: torch.Tensor, model: torch.Tensor, *, masked: bool):
    """Σ_{j,l} a_ij b_il (y_j − x_l) over all pairs of pairs, from the matrix of the toy code."""
    t = torch.cat([model, data])
    k = kernel.log_profile(torch.linalg.vector_norm(x[:, None] - t[None], dim=2)).exp()
    if masked:
        k[range(len(x)), range(len(x))] = 0
    k = k / (k.sum(1, keepdim=True) * k.sum(0, keepdim=True)).sqrt()
    b, a = k[:, : len(model)], k[:, len(model) :]
    differences = data[None, :, None, :] - model[None, None, :, :]
    return (a[:, :, None, None] * b[:, None, :, None] * differences).sum(dim=(1, 2))


@every_kernel
@pytest.mark.parametrize("masked", [True, False])
def test_it_is_the_sum_over_pairs_of_pairs(kernel: Kernel, masked: bool, plane) -> None:
    x, data = plane(20), plane(25) + 0.3
    drift = (MASKED if masked else FULL)(kernel, x, data, x, paired=True)
    torch.testing.assert_close(drift, pair_form(kernel, x, data, x, masked=masked), rtol=1e-9, atol=1e-12)


@every_kernel
def test_it_changes_sign_when_data_and_model_swap_at_fixed_queries(kernel: Kernel, plane) -> None:
    x, p, q = plane(15), plane(25) + 1, plane(20)
    forward = FULL(kernel, x, p, q, paired=False)
    assert forward.abs().max() > 1e-3
    torch.testing.assert_close(forward, -FULL(kernel, x, q, p, paired=False), rtol=1e-10, atol=1e-14)


def test_it_loses_its_range_far_from_the_batch(plane) -> None:
    """The gain A·B kills the drift of an outlier, which the mean shift would have pulled back."""
    bulk, data = plane(60), plane(60)
    norms = []
    for distance in (3.0, 6.0, 12.0):
        x = torch.cat([torch.tensor([[distance, 0.0]], dtype=torch.float64), bulk])
        norms.append(float(MASKED(Laplace(0.3), x, data, x, paired=True)[0].norm()))
    assert norms[0] > 100 * norms[1] > 100 * 100 * norms[2]
