"""Sharp companions against the integral that defines them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy import integrate

from drift_cli.errors import UserError
from drift_cli.kernels import Kernel, Power, RationalQuadratic
from drift_cli.kernels.sharp import companion
from tests.problems.kernels import BANDWIDTH, KERNELS


def profile(kernel: Kernel, r: float) -> float:
    return math.exp(float(kernel.log_profile(torch.tensor(r, dtype=torch.float64))))


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("r", [0.0, 0.3, 2.0])
def test_the_companion_is_the_integral_of_s_k(kernel: Kernel, r: float) -> None:
    found = companion(kernel)
    # To 60 bandwidths, where e^-60 is left; the rational quadratic's tail is added by itself.
    tail = 0.0
    if isinstance(kernel, RationalQuadratic):
        u = 1 + (60 * BANDWIDTH) ** 2 / (2 * kernel.alpha * BANDWIDTH**2)
        tail = BANDWIDTH**2 * kernel.alpha / (kernel.alpha - 1) * u ** (1 - kernel.alpha)
    pieces = [r, r + 1, r + 5, 60 * BANDWIDTH * (1 if tail else 3)]
    integral = sum(
        integrate.quad(lambda s: s * profile(kernel, s), low, high, epsabs=1e-13)[0]
        for low, high in itertools.pairwise(pieces)
    )
    assert found.height * profile(found.kernel, r) == pytest.approx(integral + tail, rel=1e-9)  # of the quadrature


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_it_scales_with_the_kernel(kernel: Kernel) -> None:
    one, three = companion(kernel), companion(kernel.scaled(3))
    assert three.height == pytest.approx(9 * one.height)
    assert profile(three.kernel, 1.5) == pytest.approx(profile(one.kernel, 0.5), rel=1e-12)


def test_a_kernel_without_one_is_refused() -> None:
    with pytest.raises(UserError, match=r"kernel.alpha above 1.* got 0.5"):
        companion(RationalQuadratic(1.0, 0.5))
    with pytest.raises(UserError, match="no companion kernel for Power"):
        companion(Power(RationalQuadratic(1.0, 2.0), 2.0))
