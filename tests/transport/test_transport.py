"""Entropic plans against POT, against their own marginals, and the accelerated iteration against the plain one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drift_cli.transport import Coupling, couple, couple_with_itself

EPSILONS = (1.0, 0.25, 0.1, 0.04)
EXACT = {"tol": 1e-12, "max_iter": 20_000}  # L1 marginal error in float64: potentials of size 100 ε leave about 1e-13


def cost(x: Tensor, y: Tensor) -> Tensor:
    return (x[:, None, :] - y[None, :, :]).square().sum(dim=2) / 2


def plan(x: Tensor, coupling: Coupling) -> Tensor:
    """π as an array, uniform rows: its row sums are 1/n by the choice of f."""
    f, y = coupling.row_potential(x), coupling.points
    exponents = (f[:, None] + coupling.potential - cost(x, y)) / coupling.epsilon
    return (exponents + coupling.log_weights).exp() / len(x)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_plan_is_that_of_pot(epsilon: float, plane) -> None:
    ot = pytest.importorskip("ot")
    x, y = plane(60), 0.5 * plane(50) + 1
    theirs = ot.sinkhorn(
        ot.unif(60), ot.unif(50), cost(x, y).numpy(), epsilon, method="sinkhorn_log", stopThr=1e-14, numItermax=20_000
    )
    ours = couple(x, y, epsilon, **EXACT)
    projected = torch.from_numpy(theirs) @ y / torch.from_numpy(theirs).sum(dim=1, keepdim=True)
    # Entries of the plan, of mean 1/3000; projections of size one. Both iterations end at about 1e-13.
    assert (plan(x, ours) - torch.from_numpy(theirs)).abs().max() < 1e-13
    assert (x + ours.shift(x) - projected).norm() / projected.norm() < 1e-10


def test_another_cost_is_another_plan(plane) -> None:
    """Negative control: with |x − y|² the plan at 2ε is ours at ε, and that at ε is not."""
    ot = pytest.importorskip("ot")
    x, y, epsilon = plane(30), plane(40) + 1, 0.3
    ours = plan(x, couple(x, y, epsilon, **EXACT))
    settings = {"method": "sinkhorn_log", "stopThr": 1e-14, "numItermax": 20_000}
    twice, once = (
        torch.from_numpy(ot.sinkhorn([], [], 2 * cost(x, y).numpy(), reg, **settings)) for reg in (2 * epsilon, epsilon)
    )
    assert (ours - twice).abs().max() < 1e-13
    assert (ours - once).abs().sum() > 0.1


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 40),
    m=st.integers(2, 40),
    d=st.sampled_from([1, 2, 5]),
    epsilon=st.floats(0.02, 20),
    tol=st.sampled_from([1e-1, 1e-2, 1e-5]),
    apart=st.floats(0, 5),
)
def test_the_plan_has_the_marginal_error_that_is_told(
    seed: int, n: int, m: int, d: int, epsilon: float, tol: float, apart: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = torch.randn(m, d, generator=generator, dtype=torch.float64) * 0.3 + apart
    for rows, coupling in (
        (x, couple(x, y, epsilon, tol=tol, max_iter=500)),
        (x, couple_with_itself(x, epsilon, tol=tol, max_iter=500)),
    ):
        found = plan(rows, coupling)
        assert (found.sum(dim=1) - 1 / len(rows)).abs().sum() < 1e-12
        error = float((found.sum(dim=0) - coupling.log_weights.exp()).abs().sum())
        assert error <= coupling.marginal_error + 1e-12
        assert coupling.marginal_error < tol or coupling.iterations == 500


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_acceleration_changes_the_way_and_not_the_plan(epsilon: float, plane) -> None:
    x, y = plane(60), plane(50) + 1
    fast, slow = couple(x, y, epsilon, **EXACT), couple(x, y, epsilon, accelerate=False, **EXACT)
    assert (fast.shift(x) - slow.shift(x)).abs().max() < 1e-10
    assert fast.iterations < slow.iterations


def test_the_plain_self_iteration_swings_for_ever_and_the_averaged_one_does_not(plane) -> None:
    x, epsilon = plane(40), 0.2
    f, before = plane(1)[0, 0] + torch.zeros(40, dtype=torch.float64), None
    for _ in range(200):
        before, f = f, Coupling(x, f, torch.full_like(f, -math.log(40)), epsilon, 0, 0.0).row_potential(x)
    assert (f - before).abs().min() > 1e-3
    assert couple_with_itself(x, epsilon, accelerate=False, **EXACT).iterations < 100


def test_of_two_gaussians_the_start_is_nearly_the_end(rng) -> None:
    """The start is exact for Gaussians; 4,000 points of each leave their sampling error."""
    x = torch.randn(4000, 2, generator=rng, dtype=torch.float64)
    y = torch.randn(4000, 2, generator=rng, dtype=torch.float64) @ torch.tensor([[0.8, 0.3], [0.0, 0.4]]).double() + 3
    once = couple(x, y, 0.5, tol=1e-13, max_iter=1, accelerate=False)
    from_nothing = couple(x, y, 0.5, tol=1e-13, max_iter=1, accelerate=False, start=torch.zeros_like(y[:, 0]))
    assert once.marginal_error < 0.1
    assert from_nothing.marginal_error > 0.5


def test_weights_repeat_points(plane) -> None:
    x, y = plane(20), plane(15) + 1
    times = torch.arange(15) % 3 + 1
    weighted = couple(x, y, 0.2, b=times.double() / times.sum(), **EXACT)
    repeated = couple(x, y.repeat_interleave(times, dim=0), 0.2, **EXACT)
    assert (weighted.shift(x) - repeated.shift(x)).abs().max() < 1e-11


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epsilon": 0.0}, "epsilon must be a finite number above 0, got 0.0"),
        ({"epsilon": float("nan")}, "epsilon must be a finite number above 0"),
        ({"tol": 0.0}, "tol must be above 0"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"b": torch.full((4,), 0.3, dtype=torch.float64)}, "must sum to 1, got 1 and 1.2"),
        ({"b": torch.tensor([0.5, 0.6, -0.1, 0.0], dtype=torch.float64)}, "must not be negative"),
    ],
)
def test_what_is_no_problem_of_transport_is_refused(change: dict, told: str, plane) -> None:
    given = {"epsilon": 0.1, "tol": 1e-3, "max_iter": 10} | change
    with pytest.raises(ValueError, match=told):
        couple(plane(3), plane(4), given.pop("epsilon"), **given)


def test_a_weight_of_zero_is_a_point_that_is_not_there(plane) -> None:
    x, y = plane(20), plane(6)
    b = torch.tensor([0.25, 0.25, 0.25, 0.25, 0.0, 0.0], dtype=torch.float64)
    without = couple(x, y[:4], 0.2, **EXACT)
    assert (couple(x, y, 0.2, b=b, **EXACT).shift(x) - without.shift(x)).abs().max() < 1e-11
