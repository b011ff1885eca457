r"""Continuous conditions: the kernel of pairs is the product it is said to be, c is given, and x follows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.config.objects import chosen
from drift_cli.data import Space
from drift_cli.data.array import Array
from drift_cli.drift import MeanShift
from drift_cli.errors import UserError
from drift_cli.generator import Mlp
from drift_cli.kernels import Gaussian, Laplace

RNG = np.random.default_rng(0)
C = RNG.uniform(-3, 5, (300, 1))
X = np.hstack([np.sin(C), 20 * C]) + RNG.normal(size=(300, 2)) * [0.1, 2.0]


@pytest.fixture
def path(tmp_path: Path) -> str:
    np.savetxt(tmp_path / "a.csv", np.hstack([C, X]), delimiter=",", header="dose,a,b", comments="")
    return str(tmp_path / "a.csv")


def pairs(path: str, bandwidth: float) -> tuple[Space, torch.Tensor]:
    target = Array(path, condition=("dose",), condition_bandwidth=bandwidth).target()
    return target.space, target.points


def test_the_condition_stands_last_and_each_part_has_unit_size(path: str) -> None:
    space, points = pairs(path, 0.5)
    assert space.columns == ("a", "b", "dose")
    assert (space.conditions, space.conditions_kept) == (1, 300)
    np.testing.assert_allclose(space.to_units(points), np.hstack([X, C]), rtol=1e-12)
    assert points[:, :2].square().sum(dim=1).mean() == pytest.approx(1)
    assert points[:, 2:].square().sum(dim=1).mean() == pytest.approx(1 / 0.5**2)
    assert Space.from_dict(json.loads(json.dumps(space.as_dict()))) == space


def test_the_gaussian_of_pairs_is_the_product_of_two_gaussians(path: str) -> None:
    sigma, ratio = 0.3, 0.5
    _, points = pairs(path, ratio)
    queries, data = points[:40], points[40:]
    found = MeanShift("include")(Gaussian(sigma), queries, data, data, paired=False)[:, :2]
    assert found.abs().max() < 1e-12  # q = p
    found = MeanShift("include")(Gaussian(sigma), queries, data, queries, paired=True)[:, :2]
    x, c = (points - points.mean(dim=0))[:, :2], ratio * points[:, 2:]  # each of unit size

    def mean(others: slice) -> torch.Tensor:
        product = (-torch.cdist(x[:40], x[others]).square() / (2 * sigma**2)).exp()
        product = product * (-torch.cdist(c[:40], c[others]).square() / (2 * (ratio * sigma) ** 2)).exp()
        return product @ x[others] / product.sum(dim=1, keepdim=True)

    torch.testing.assert_close(found, mean(slice(40, None)) - mean(slice(0, 40)), rtol=1e-9, atol=1e-12)


def test_a_wide_kernel_on_the_condition_does_not_see_it_and_a_narrow_one_does(path: str) -> None:
    def drift(bandwidth: float) -> torch.Tensor:
        _, points = pairs(path, bandwidth)
        return MeanShift("include")(Laplace(0.3), points[:40], points[40:], points[:40], paired=True)[:, :2]

    _, points = pairs(path, 1.0)
    without = MeanShift("include")(
        Laplace(0.3), points[:40, :2], points[40:, :2], points[:40, :2].contiguous(), paired=True
    )
    torch.testing.assert_close(drift(1e7), without, rtol=1e-5, atol=1e-6)
    assert (drift(0.1) - without).norm() > 0.5 * without.norm()


def test_the_generator_is_given_conditions_of_the_data(path: str, rng: torch.Generator) -> None:
    target = Array(path, condition=("dose",)).target()
    model = chosen("generator", "mlp", widths=[8], noise=None, activation="relu").made(target.space)
    assert isinstance(model, Mlp)
    model.initialise(target, torch.Generator().manual_seed(1))
    model = model.double()
    assert set(model.seen.flatten().tolist()) == set(target.points[:, 2].tolist())
    samples = model.sample(500, rng)
    assert samples.shape == (500, 3)
    assert set(samples[:, 2].tolist()) <= set(target.points[:, 2].tolist())
    (gradient,) = torch.autograd.grad(samples[:, 2].sum(), [next(model.parameters())])
    assert gradient.abs().max() == 0  # nothing that is learned makes the condition


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (("doses",), 'dataset.condition must name columns of .*, got "doses". Did you mean "dose"?'),
        (("dose", "dose"), 'must name different columns, got "dose" twice'),
        (("dose", "a", "b"), "names every column of .*: at least one must remain to be generated"),
    ],
)
def test_a_condition_that_is_none_is_refused(condition: tuple[str, ...], told: str, path: str) -> None:
    with pytest.raises(UserError, match=told.replace("?", r"\?")):
        Array(path, condition=condition).target()


def test_a_condition_that_never_changes_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.hstack([X, np.ones((300, 1))]))
    with pytest.raises(UserError, match="The condition is the same in every row"):
        Array(str(tmp_path / "a.npy"), condition=("x3",)).target()


def test_chosen_columns_need_not_repeat_the_condition(path: str) -> None:
    target = Array(path, columns=("a",), condition=("dose",)).target()
    assert target.space.columns == ("a", "dose")
    assert replace(target.space, conditions=0) != target.space
