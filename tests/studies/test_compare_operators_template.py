"""What §6.3 says of a drift of a discrepancy: each measurement tells the right one from a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from drift_cli.config.objects import chosen
from drift_cli.discrepancy import Energy, SinkhornDivergence
from drift_cli.discrepancy.sinkhorn import dual_value
from drift_cli.drift import FromDiscrepancy, Sinkhorn
from drift_cli.kernels import Laplace
from drift_cli.studies.compare_operators import template
from drift_cli.studies.compare_operators.settings import _operator
from drift_cli.transport import couple, couple_with_itself

EPSILON = 0.2
EXACT: dict[str, Any] = {"tol": 1e-10, "max_iter": 20_000}
UNUSED = Laplace(1.0)
CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
SQUARE = chosen("dataset", "gaussian_mixture", modes=4, dimension=2, radius=0.0, std=0.05, means=CORNERS)


def sinkhorn(x: Tensor, y: Tensor) -> Tensor:
    return SinkhornDivergence(EPSILON, **EXACT)(UNUSED, x, y, torch.Generator())


def drift(x: Tensor, y: Tensor, epsilon: float = EPSILON) -> Tensor:
    return Sinkhorn(epsilon, **EXACT)(UNUSED, x, y, x, paired=True)


def energy_drift(x: Tensor, y: Tensor) -> Tensor:
    return FromDiscrepancy(Energy(), "energy")(UNUSED, x, y, x, paired=True)


def test_the_gradient_is_that_of_this_divergence_and_no_other(plane) -> None:
    x, y = plane(6), 0.5 * plane(7) + 1
    found = template.gradient(sinkhorn, drift, EPSILON, x, y)
    assert found["gradient_error"] < 1e-6
    assert found["plain_gradient_error"] > 0.01
    other = template.gradient(sinkhorn, lambda x, y: drift(x, y, EPSILON / 2), EPSILON, x, y)
    assert other["gradient_error"] > 0.01


def test_the_divergence_is_definite_and_one_half_debiased_is_not(plane) -> None:
    def one_sided(x: Tensor, y: Tensor) -> Tensor:
        """Its expectation over both orders is S, so one of them is below it: negative where S is small."""
        own = couple_with_itself(x, EPSILON, **EXACT)
        return dual_value(x, y, couple(x, y, EPSILON, **EXACT)) - dual_value(x, x, own)

    y = plane(20)
    found = template.definiteness(sinkhorn, EPSILON, y, torch.Generator().manual_seed(3))
    assert found["least"] > 1e-6
    assert found["self_value"] < 1e-9
    assert 1e-3 < found["plain_fall"] < 1
    assert template.definiteness(one_sided, EPSILON, y, torch.Generator().manual_seed(3))["least"] < 0


def test_a_drift_descends_its_own_discrepancy(plane) -> None:
    x, y = plane(20), 0.5 * plane(20) + 1
    for value, field in ((sinkhorn, drift), (lambda x, y: Energy()(UNUSED, x, y, torch.Generator()), energy_drift)):
        found = template.descent(value, field, x, y)
        assert found["rise"] < 0 < found["left"] < 1
        assert found["long_rise"] > 0.01
        assert template.descent(value, lambda x, y, field=field: -field(x, y), x, y)["rise"] > 0.01


def test_the_mmd_drift_stands_still_far_away_and_the_energy_drift_does_not() -> None:
    found = {}
    for label, settings in (
        ("mmd", {"drift": "from_discrepancy", "kernel": "laplace", "bandwidth": 0.1}),
        ("wide", {"drift": "from_discrepancy", "kernel": "laplace", "bandwidth": 5.0}),
        ("energy", {"drift": "from_discrepancy", "options": {"discrepancy": "energy"}}),
    ):
        found[label] = template.Template(_operator(label, settings), SQUARE, 0).made(Path("unused"))
        assert found[label]["far_value"] > 1
        assert found[label]["rise"] < 0
        assert "asymmetry" not in found[label]  # known at the samples alone
    assert found["mmd"]["far_drift"] < 1e-3
    assert min(found[label]["far_drift"] for label in ("wide", "energy")) > 0.5


@pytest.mark.parametrize(
    ("settings", "antisymmetric"),
    [
        ({"drift": "mean_shift", "kernel": "laplace", "bandwidth": 0.1}, True),
        ({"drift": "sinkhorn", "options": {"epsilon": 0.1}}, False),
    ],
)
def test_the_kernel_drift_is_antisymmetric_and_the_sinkhorn_drift_not(settings: dict, antisymmetric: bool) -> None:
    found = template.Template(_operator("tested", settings), SQUARE, 0).made(Path("unused"))
    assert (found["asymmetry"] <= 1e-12) == antisymmetric
    assert (found["asymmetry"] >= 0.01) != antisymmetric


def test_what_is_not_finite_is_not_reported() -> None:
    """A ratio of densities hundreds of bandwidths from the data; the smoothed KL is none with its noise held."""
    kernel = {"kernel": "gaussian", "bandwidth": 0.01}
    for discrepancy in ("chi2", "smoothed_kl"):
        settings = {"drift": "from_discrepancy", **kernel, "options": {"discrepancy": discrepancy}}
        assert "far_drift" not in template.Template(_operator("tested", settings), SQUARE, 0).made(Path("unused"))
