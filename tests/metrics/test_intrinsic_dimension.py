from __future__ import annotations

import pytest
import torch

from drift_cli.config.objects import chosen
from drift_cli.data import target_of
from drift_cli.errors import UserError
from drift_cli.metrics.intrinsic_dimension import intrinsic_dimension
from drift_cli.training.bandwidth import found_on


@pytest.mark.parametrize("d", [1, 2, 4])
def test_the_dimension_of_a_plane_is_its_own_in_many_columns(d: int, rng: torch.Generator) -> None:
    low = torch.rand(2000, d, generator=rng, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(40, 40, generator=rng, dtype=torch.float64))
    found = intrinsic_dimension(low @ turn[:d])
    # 1/√n of statistics, and the border, near which neighbours are fewer: some n^(−1/d) of the points
    assert found.value == pytest.approx(d, rel=0.05 + 0.02 * d)
    assert found.low < found.value < found.high
    assert (found.high - found.low) / found.value == pytest.approx(4 * 0.98 / 2000**0.5, rel=0.05)  # ±1.96/√n
    thick = low @ turn[:d] + torch.randn(2000, 40, generator=rng, dtype=torch.float64)
    assert intrinsic_dimension(thick).value > 3 * d  # the control: noise in all columns is seen


def test_it_does_not_depend_on_density_or_unit(rng: torch.Generator) -> None:
    even = torch.rand(4000, 2, generator=rng, dtype=torch.float64)
    found = intrinsic_dimension(even)
    assert intrinsic_dimension(1e-3 * even).value == pytest.approx(found.value, rel=1e-9)
    uneven = intrinsic_dimension(even**3)
    assert uneven.value == pytest.approx(found.value, rel=0.15)


def test_equal_points_are_counted_once(rng: torch.Generator) -> None:
    points = torch.rand(100, 2, generator=rng, dtype=torch.float64)
    assert intrinsic_dimension(points.repeat(3, 1)).value == pytest.approx(intrinsic_dimension(points).value)
    with pytest.raises(ValueError, match="20 different points"):
        intrinsic_dimension(points[:1].repeat(100, 1))
    with pytest.raises(ValueError, match="equally far"):
        intrinsic_dimension(torch.eye(30, dtype=torch.float64))


def test_a_kernel_that_asks_is_told() -> None:
    target = target_of(chosen("dataset", "gaussian_mixture", modes=1, dimension=3, radius=0.0, std=0.5).made())
    open_ones = chosen("kernel", "designed", bandwidth="auto", modes=10, dimension="auto", design="optimal")
    kernel, told = found_on(target, open_ones)
    assert kernel.dimension == pytest.approx(3, rel=0.1)
    assert f"kernel.dimension=auto: {kernel.dimension:g} (95 % interval" in told
    assert "2,304 points, in 3 columns; kernel.bandwidth=auto: " in told
    assert kernel.made().bandwidth == kernel.bandwidth
    assert found_on(target, kernel) == (kernel, "")


def test_where_there_is_none_a_line_says_so() -> None:
    one_point = target_of(chosen("dataset", "gaussian_mixture", modes=1, dimension=2, radius=0.0, std=1e-300).made())
    with pytest.raises(
        UserError, match=r"kernel.dimension=auto cannot estimate the dimension of this data, .* give a number"
    ):
        found_on(one_point, chosen("kernel", "designed", bandwidth=0.1, modes=10, dimension="auto", design="optimal"))
