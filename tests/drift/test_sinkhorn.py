"""The Sinkhorn drift: the descent of its divergence, its limits, and what it says of itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from drift_cli.drift import MeanShift, Sinkhorn
from drift_cli.kernels import Gaussian, Laplace
from drift_cli.transport import couple, couple_with_itself

EXACT: dict[str, Any] = {"tol": 1e-12, "max_iter": 5000}  # potentials of size 100 ε leave about 1e-13
UNUSED = Laplace(1.0)  # the run's kernel


def drift(x: Tensor, data: Tensor, epsilon: float, **settings: Any) -> Tensor:
    return Sinkhorn(epsilon, **(EXACT | settings))(UNUSED, x, data, x, paired=True)


def dual_value(x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """OT_ε(q, p) by its dual, Σ a f + Σ b g: where the rows are exact nothing else is left."""
    coupling = couple(x, y, epsilon, **EXACT)
    return coupling.row_potential(x).mean() + coupling.potential.mean()


def divergence(x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """S_ε without its last term, which x does not enter."""
    return dual_value(x, y, epsilon) - dual_value(x, x, epsilon) / 2


@pytest.mark.parametrize("epsilon", [1.0, 0.25, 0.1, 0.04])
def test_it_descends_the_divergence(epsilon: float, plane) -> None:
    """−N ∂S/∂x_i by central differences of the converged dual value."""
    x, y, step = plane(8), 0.5 * plane(10) + 1, 1e-4
    found = torch.zeros_like(x)
    for i in range(len(x)):
        for k in range(2):
            there, back = x.clone(), x.clone()
            there[i, k] += step
            back[i, k] -= step
            found[i, k] = -len(x) * (divergence(there, y, epsilon) - divergence(back, y, epsilon)) / (2 * step)
    # Central differences are off by step²/6 · N·S''' ~ 1e-8 (S''' ~ 1/ε), the dual's rounding by 1e-15 N/step ~ 1e-10.
    assert (drift(x, y, epsilon) - found).norm() / found.norm() < 1e-7


@pytest.mark.parametrize("epsilon", [1.0, 0.25, 0.1])  # below, POT's self plan takes more than 20,000 iterations
def test_it_is_the_drift_of_pots_plans(epsilon: float, plane) -> None:
    ot = pytest.importorskip("ot")
    x, y = plane(60), 0.5 * plane(50) + 1

    def projection(points: Tensor) -> Tensor:
        cost = (x[:, None, :] - points[None, :, :]).square().sum(dim=2) / 2
        settings = {"method": "sinkhorn_log", "stopThr": 1e-15, "numItermax": 20_000, "warn": False}
        plan = torch.from_numpy(ot.sinkhorn([], [], cost.numpy(), epsilon, **settings))
        return plan @ points / plan.sum(dim=1, keepdim=True)

    expected = projection(y) - projection(x)
    assert (drift(x, y, epsilon) - expected).norm() / expected.norm() < 1e-10
    # Negative control: half the cost is another ε.
    assert (drift(x, y, epsilon / 2) - expected).norm() / expected.norm() > 1e-2


def test_a_set_does_not_drift_against_itself(plane) -> None:
    x = plane(50)
    assert drift(x, x, 0.1).abs().max() < 1e-10


def test_at_large_epsilon_it_is_the_difference_of_the_means(plane) -> None:
    x, y = plane(40), plane(30) + 2
    errors = [(drift(x, y, epsilon) - (y.mean(dim=0) - x.mean(dim=0))).abs().max() for epsilon in (1e3, 1e4)]
    assert errors[1] < 1e-2
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.05)  # the correction is of order 1/ε


def test_at_small_epsilon_it_is_the_monge_displacement() -> None:
    """On a line the optimal map is the sorted one; half the spacing is all that is left of the regularisation."""
    x, y = (torch.linspace(low, low + 1, 40, dtype=torch.float64)[:, None] for low in (0.0, 2.0))
    y = y.flip(0) * 1.5
    expected = y.sort(dim=0).values - x
    errors = [(drift(x, y, epsilon) - expected).norm() / expected.norm() for epsilon in (0.02, 0.002)]
    assert errors[1] < 0.01
    assert errors[1] < errors[0] / 3


def test_half_an_iteration_is_the_mean_shift_drift(plane) -> None:
    x, y, epsilon = plane(40), plane(30) + 1, 0.2
    nothing = {"tol": 1e-13, "max_iter": 1, "accelerate": False}
    to_data = couple(x, y, epsilon, start=torch.zeros(30, dtype=torch.float64), **nothing)
    to_self = couple_with_itself(x, epsilon, **nothing)
    # Before any update: the potentials at zero, of which each plan's rows are the first half iteration.
    zeros = [
        type(c)(c.points, torch.zeros_like(c.potential), c.log_weights, epsilon, 0, 1.0) for c in (to_data, to_self)
    ]
    expected = MeanShift("include")(Gaussian(math.sqrt(epsilon)), x, y, x, paired=True)
    torch.testing.assert_close(zeros[0].shift(x) - zeros[1].shift(x), expected, rtol=1e-12, atol=1e-12)
    assert (drift(x, y, epsilon) - expected).norm() / expected.norm() > 0.1  # and a converged one is another field


def test_it_moves_and_turns_with_the_points(plane) -> None:
    x, y, away = plane(30, 3), plane(20, 3), plane(1, 3)
    turn, _ = torch.linalg.qr(plane(3, 3))
    there = drift(x @ turn.T + away, y @ turn.T + away, 0.3)
    torch.testing.assert_close(there, drift(x, y, 0.3) @ turn.T, rtol=1e-9, atol=1e-9)


def test_new_points_see_the_field_of_the_same_plans(plane) -> None:
    x, y, operator = plane(30), plane(20) + 1, Sinkhorn(0.2, **EXACT)
    paired = operator(UNUSED, x, y, x, paired=True)
    both = operator(UNUSED, torch.cat([x, plane(5)]), y, x, paired=False)
    torch.testing.assert_close(both[:30], paired, rtol=1e-10, atol=1e-10)


def test_the_second_batch_takes_the_self_plan(plane) -> None:
    x, y, other = plane(30), plane(20) + 1, plane(25)
    operator = Sinkhorn(0.2, **EXACT, independent_self=True)
    expected = couple(x, y, 0.2, **EXACT).shift(x) - couple(x, other, 0.2, **EXACT).shift(x)
    found = operator(UNUSED, x, y, other, paired=False)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert (found - drift(x, y, 0.2)).norm() > 0.1


@pytest.mark.parametrize("carry", [False, True])
def test_carried_potentials_change_the_start_and_not_the_drift(carry: bool, plane) -> None:
    operator, data = Sinkhorn(0.1, 1e-11, 5000, carry=carry), plane(40) + 1
    x = plane(30)
    operator(UNUSED, x, data, x, paired=True)
    x, data = 0.9 * x + 0.1, plane(50) + 1  # another batch, of another size
    found = operator(UNUSED, x, data, x, paired=True)
    assert (found - drift(x, data, 0.1)).abs().max() < 1e-8


def test_it_says_how_far_it_came_and_starts_counting_anew(plane) -> None:
    x, y, operator = plane(40), plane(40) + 3, Sinkhorn(0.01, 1e-6, 5)
    operator(UNUSED, x, y, x, paired=True)
    assert "drift.max_iter=5 iterations with a marginal error of" in (operator.tally.complaint() or "")
    told = operator.tally.report()
    assert told["sinkhorn_iterations"] == 5
    assert told["marginal_error"] > 1e-6
    assert operator.tally.report() == {}
    assert operator.tally.complaint() is None
    easy = Sinkhorn(1.0, 1e-2, 50)
    easy(UNUSED, x, y, x, paired=True)
    assert easy.tally.complaint() is None


def test_a_step_is_capped_where_one_of_its_plans_is(plane) -> None:
    x, y, operator = plane(40), plane(40) + 3, Sinkhorn(0.01, 1e-6, 5)
    close = Sinkhorn(1.0, 1e-2, 50)
    for step_of in ((operator, operator), (operator,)):
        for drifts in step_of:
            drifts(UNUSED, x, y, x, paired=True)
        operator.tally.end_step()
    close(UNUSED, x, y, x, paired=True)
    close.tally.end_step()
    kept = operator.tally.pending()
    assert operator.tally.report()["sinkhorn_capped_steps"] == 2
    assert operator.tally.pending() == {}
    assert close.tally.report()["sinkhorn_capped_steps"] == 0
    operator.tally.resume(kept)
    assert operator.tally.report()["sinkhorn_capped_steps"] == 2
    with pytest.raises(ValueError, match="a tally has the numbers"):
        operator.tally.resume({"drifts": 3.0})


def test_float32_reaches_the_tolerance_of_training_and_no_wrong_plan_at_small_epsilon(plane) -> None:
    x, y = plane(200), 0.3 * plane(200) + 3
    for epsilon in (1.0, 0.05, 0.002):
        single = Sinkhorn(epsilon, 1e-2, 500)
        found = single(UNUSED, x.float(), y.float(), x.float(), paired=True)
        assert single.tally.complaint() is None
        exact = drift(x, y, epsilon, tol=1e-6)
        assert (found - exact).norm() / exact.norm() < 0.02  # 4e-3 is typical of a marginal error of 1e-2
