"""What is held out: of every class its share, the same in every run, and nothing of it where training looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.data.array import Array
from drift_cli.data.digits import Digits
from drift_cli.data.held_out import split
from drift_cli.errors import UserError


def test_every_class_gives_its_share_and_no_row_is_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    points, classes = rng.normal(size=(1000, 3)), rng.choice(3, size=1000, p=(0.7, 0.2, 0.1))
    trained, out = split(points, classes, 0.2)
    assert sorted([*trained, *out]) == list(range(1000))
    for label in range(3):
        assert (classes[out] == label).sum() == round(0.2 * (classes == label).sum())
    again = split(points, classes, 0.2)
    assert all(np.array_equal(a, b) for a, b in zip((trained, out), again, strict=True))
    assert not np.array_equal(split(points + 1e-9, classes, 0.2)[1], out)  # another set, other rows
    assert len(split(points, classes, 0.0)[1]) == 0


@pytest.mark.parametrize(("sizes", "share"), [((100, 2), 0.2), ((100, 3), 0.6), ((100, 1), 0.5)])
def test_a_class_too_small_is_refused(sizes: tuple[int, ...], share: float) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    with pytest.raises(UserError, match=rf"dataset.held_out={share:g} holds out \d of the {sizes[1]} rows of class 1"):
        split(np.random.default_rng(0).normal(size=(len(classes), 2)), classes, share)


@pytest.mark.parametrize("labels", [True, False])
def test_images_know_their_classes_and_their_space_is_of_the_training_part(labels: bool) -> None:
    whole, target = Digits(labels).target(), Digits(labels, held_out=0.2).target()
    apart = target.held_out
    assert apart is not None
    assert whole.held_out is None
    assert (whole.size, target.size + apart.size) == (1797, 1797)
    assert (target.labels is not None) == labels
    assert target.classes is not None
    assert apart.classes is not None
    assert len(target.classes.unique()) == len(apart.classes.unique()) == 10
    assert apart.space is target.space
    assert target.points.mean(dim=0).abs().max() < 1e-12  # centred by itself
    assert target.points.square().sum(dim=1).mean() == pytest.approx(1)
    assert apart.points.mean(dim=0).abs().max() > 1e-3
    seen = {row.numpy().tobytes() for row in target.points}
    assert sum(row.numpy().tobytes() in seen for row in apart.points) == 0


def test_a_table_holds_out_rows_of_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(50, 2)))
    target = Array(str(tmp_path / "a.npy"), held_out=0.1).target()
    assert target.held_out is not None
    assert (target.size, target.held_out.size) == (45, 5)
    assert torch.equal(Array(str(tmp_path / "a.npy")).target().points, Array(str(tmp_path / "a.npy")).target().points)
