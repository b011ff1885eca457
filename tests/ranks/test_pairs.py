"""A drift of which two processes each have a share of the rows is the drift of the whole batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from drift_cli.catalogue import find, names
from drift_cli.config.objects import defaults, settings_class
from drift_cli.drift import (
    BatchNormalized,
    Drift,
    Features,
    KernelScore,
    Lookahead,
    MeanShift,
    MultiTemperature,
    Sharp,
    Sinkhorn,
    SinkhornProxy,
    abilities,
)
from drift_cli.features import KINDS, Scattering
from drift_cli.kernels import Kernel, Laplace, Matern32, Power
from drift_cli.ranks.group import Ranks
from drift_cli.ranks.pairs import together
from drift_cli.training.loss import loss_and_drift
from tests.problems.ranks import of_each_exchange, on_ranks

KERNEL, ROUNDING = Laplace(0.7), 1e-11  # float64 sums of some tens of terms
QUERIES, DATA, D = 11, 14, 16  # neither a multiple of the other, and the queries not of two


class Map(nn.Module):
    def forward(self, points: Tensor) -> list[Tensor]:
        planes = points.unflatten(1, (1, 4, 4))
        return [torch.cat([planes.tanh(), planes.square()], dim=1)]


DRIFTS: dict[str, Drift] = {
    "mean shift": MeanShift("include"),
    "… without itself": MeanShift("exclude"),
    "… balanced": MeanShift("balanced"),
    "batch normalised": BatchNormalized("include"),
    "… without itself, too": BatchNormalized("exclude"),
    "proxy": SinkhornProxy("exclude"),
    "score": KernelScore("exclude"),
    "sharp": Sharp("exclude"),
    "root mean square": MultiTemperature(MeanShift("exclude"), (0.5, 2.0), True),
    "… of batch normalised": MultiTemperature(BatchNormalized("exclude"), (0.5, 2.0), True),
    "foreseen": Lookahead(MeanShift("exclude"), (1.0, 0.5)),
    "features": Features(MeanShift("exclude"), Scattering(1, 1), KINDS, True, (0.5, 2.0), True, Map()),
    "… of features": Features(BatchNormalized("exclude"), Scattering(1, 1), KINDS, False, (1.0,), True, Map()),
}  # fmt: skip
SINKHORN = Sinkhorn(0.5, 1e-9, 200)
WITHOUT_TERMS = Power(Matern32(0.7), 1.5)
PATHS = ("query", "samples", "both")


def points() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    x, data = (torch.randn(n, D, generator=rng, dtype=torch.float64) for n in (QUERIES, DATA))
    return x, data + 0.3


def at_own_rows(drift: Drift, ranks: Ranks, kernel: Kernel = KERNEL) -> np.ndarray:
    x, data = points()
    with together(ranks, QUERIES, DATA) as here:
        own = x[ranks.share(QUERIES)]
        return drift(kernel, own, here.know(data), own, paired=True).numpy()


def gradient(drift: Drift, paths: str, ranks: Ranks) -> np.ndarray:
    x, data = points()
    own = x[ranks.share(QUERIES)].requires_grad_()

    def field(query: Tensor, model: Tensor) -> Tensor:
        with together(ranks) as here:
            return drift(KERNEL, query, here.know(data), model, paired=True)

    loss, _ = loss_and_drift(paths, own, field)
    (len(own) / QUERIES * loss).backward()
    assert own.grad is not None
    return own.grad.numpy()


def traffic(drift: Drift, ranks: Ranks) -> int:
    before = ranks.traffic.points
    at_own_rows(drift, ranks)
    return ranks.traffic.points - before


def refuses_gradient(ranks: Ranks) -> str:
    try:
        gradient(MeanShift("exclude"), "both", ranks)
    except ValueError as error:
        return str(error)
    return ""


def everything(ranks: Ranks) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for exchange, ours in of_each_exchange(ranks).items():
        for name, drift in DRIFTS.items():
            found[exchange, name] = at_own_rows(drift, ours)
        found[exchange, "eager"] = at_own_rows(MeanShift("exclude"), ours, WITHOUT_TERMS)
        found[exchange, "sinkhorn"] = at_own_rows(SINKHORN, ours)
        found[exchange, "traffic"] = {name: traffic(DRIFTS[name], ours) for name in ("mean shift", "batch normalised")}
        found[exchange, "not this kernel"] = at_own_rows(MeanShift("exclude"), ours, Laplace(0.75))
    for paths in PATHS:
        for name in ("mean shift", "… without itself, too"):
            found["gradient", name, paths] = gradient(DRIFTS[name], paths, of_each_exchange(ranks)["gather"])
    found["refused"] = refuses_gradient(of_each_exchange(ranks)["ring"])
    alone = MeanShift("exclude")(KERNEL, own := points()[0][ranks.share(QUERIES)], points()[1], own, paired=True)
    return found | {"by itself": alone.numpy()}


@pytest.fixture(scope="module")
def found() -> list[dict[Any, Any]]:
    return on_ranks(2, everything)


def joined_rows(found: list[dict[Any, Any]], key: Any) -> Tensor:
    return torch.from_numpy(np.concatenate([each[key] for each in found]))


@pytest.mark.parametrize("exchange", ["gather", "ring"])
@pytest.mark.parametrize("name", DRIFTS)
def test_it_is_the_drift_of_the_whole_batch(name: str, exchange: str, found) -> None:
    x, data = points()
    whole = DRIFTS[name](KERNEL, x, data, x, paired=True)
    torch.testing.assert_close(joined_rows(found, (exchange, name)), whole, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("exchange", ["gather", "ring"])
def test_so_it_is_with_a_kernel_of_no_terms(exchange: str, found) -> None:
    x, data = points()
    whole = MeanShift("exclude")(WITHOUT_TERMS, x, data, x, paired=True)
    torch.testing.assert_close(joined_rows(found, (exchange, "eager")), whole, rtol=ROUNDING, atol=ROUNDING)


def test_the_comparison_would_see_a_share_alone_another_kernel_and_what_is_not_shareable(found) -> None:
    x, data = points()
    whole = MeanShift("exclude")(KERNEL, x, data, x, paired=True)
    assert float((joined_rows(found, "by itself") - whole).abs().max()) > 1e-3
    assert float((joined_rows(found, ("ring", "not this kernel")) - whole).abs().max()) > 1e-3
    sinkhorn = Sinkhorn(0.5, 1e-9, 200)(KERNEL, x, data, x, paired=True)
    assert float((joined_rows(found, ("gather", "sinkhorn")) - sinkhorn).abs().max()) > 1e-3


def test_every_drift_that_says_it_is_shareable_is_compared() -> None:
    made = {name: settings_class("drift", name)(**defaults("drift", name)).made() for name in names("drift")}
    says = {find("drift", name) for name, drift in made.items() if abilities(drift).shareable}
    assert says == {type(drift) for drift in DRIFTS.values()}
    assert len(says) < len(made)


@pytest.mark.parametrize("paths", PATHS)
@pytest.mark.parametrize("name", ["mean shift", "… without itself, too"])
def test_gradients_come_back_to_the_points_of_the_others(name: str, paths: str, found) -> None:
    x, data = points()
    x.requires_grad_()
    loss, _ = loss_and_drift(paths, x, lambda query, model: DRIFTS[name](KERNEL, query, data, model, paired=True))
    (whole,) = torch.autograd.grad(loss, x)
    torch.testing.assert_close(joined_rows(found, ("gradient", name, paths)), whole, rtol=ROUNDING, atol=ROUNDING)


def test_a_ring_refuses_points_that_carry_gradient(found) -> None:
    assert all("use exchange=gather" in each["refused"] for each in found)


def test_samples_travel_once_and_data_that_all_have_only_in_a_ring(found) -> None:
    """Bytes that the first of two processes receives: 5 of 11 samples (6 with the padding), 7 of 14 data, float64."""
    row = 8 * D
    gather, ring = (found[0][exchange, "traffic"] for exchange in ("gather", "ring"))
    assert gather["mean shift"] == 6 * row
    assert ring["mean shift"] == (5 + 7) * row
    assert gather["batch normalised"] == 6 * row + 8 * (7 + 6)  # and one weight for each point
    assert ring["batch normalised"] == (7 + 5 + 5 + 7 + 5) * row + 8 * (7 + 5)  # each of its five sums passes all


def test_lengths_are_known_without_a_word_where_the_totals_tell_them_apart() -> None:
    """Of 11 and 14 rows on the second of two; of 11 and 12, of which the first has 6 each, one would have to ask, and
    outside a group nobody answers."""
    second = Ranks(1, 2)
    with together(second, QUERIES, DATA) as here:
        assert here.lengths(torch.zeros(5, D), -2) == [6, 5]
        assert here.lengths(torch.zeros(7, D), -2) == [7, 7]
        with pytest.raises(ValueError, match="got 6 of another one"):
            here.lengths(torch.zeros(6, D), -2)
    with together(second, 11, 12) as here, pytest.raises(ValueError, match="process group"):
        here.lengths(torch.zeros(5, D), -2)
