"""A part of a set has each class in its share, whatever the order of the rows."""

from __future__ import annotations

import torch

from drift_cli.judging.evenly import evenly


def test_each_class_has_its_share_up_to_a_row() -> None:
    classes = torch.tensor([0] * 50 + [1] * 100 + [2] * 150)[torch.randperm(300)]
    rows = evenly(classes, 97, torch.Generator().manual_seed(0))
    assert len(rows.unique()) == 97
    shares = torch.bincount(classes[rows]) - 97 * torch.tensor([1, 2, 3]) / 6
    assert shares.abs().max() < 1
    at_random = torch.stack([torch.bincount(classes[torch.randperm(300)[:97]], minlength=3) for _ in range(50)])
    assert at_random.double().std(dim=0).max() > 1  # control


def test_within_a_class_the_rows_are_drawn_at_random() -> None:
    zeros = torch.zeros(100, dtype=torch.long)
    one, other = (evenly(zeros, 20, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert not torch.equal(one.sort().values, other.sort().values)
