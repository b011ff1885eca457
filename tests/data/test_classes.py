"""Balanced batches: as many points of each class, none twice before all are out."""

from __future__ import annotations

import torch

from drift_cli.data import Batch, Finite, Space

SIZES = (3, 20, 7)


def target() -> Finite:
    labels = torch.arange(3).repeat_interleave(torch.tensor(SIZES))[torch.randperm(30)]
    return Finite(torch.stack([labels, torch.arange(30)], dim=1).double(), labels, Space.unit(2))


def drawn(n: int, seed: int) -> Batch:
    return target().sample_of_each(n, torch.Generator().manual_seed(seed), torch.float64)


def test_each_class_gives_its_own_points_and_none_twice_before_all_are_out() -> None:
    batch = drawn(7, 0)
    assert batch.classes == 3
    assert torch.equal(batch.labels, torch.arange(3).repeat_interleave(7))
    assert torch.equal(batch.points[:, 0], batch.labels.double())
    times = [torch.unique(rows, return_counts=True)[1].sort().values.tolist() for rows in batch.points[:, 1].split(7)]
    assert times == [[2, 2, 3], [1] * 7, [1] * 7]


def test_every_point_comes_as_often() -> None:
    whole, generator, draws = target(), torch.Generator().manual_seed(0), 2000
    rows = torch.cat([whole.sample_of_each(2, generator, torch.float64).points[:, 1] for _ in range(draws)]).long()
    counts = torch.bincount(rows, minlength=30)
    expected = 2 * draws / torch.tensor(SIZES)[whole.labels]
    deviation = (expected * (1 - expected / draws)).sqrt()  # of a point that a draw holds or not
    assert ((counts - expected) / deviation).abs().max() < 4.5


def test_a_batch_is_a_function_of_the_stream() -> None:
    torch.manual_seed(0)
    first = drawn(5, 1).points
    torch.manual_seed(0)
    assert torch.equal(drawn(5, 1).points, first)
    assert not torch.equal(drawn(5, 2).points, first)
