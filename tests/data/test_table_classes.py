"""A column of a table as the class: it trains, is no coordinate, and what cannot be a class is refused by its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.data.array import Array
from drift_cli.errors import UserError

POINTS = np.random.default_rng(0).normal(size=(12, 2))
WORDS = ["setosa", "iris", "setosa", "iris"] * 3


def table(path: Path, kinds: list, rows: slice = slice(None)) -> str:
    lines = [f"{x},{kind},{y}" for (x, y), kind in zip(POINTS, kinds, strict=True)]
    path.write_text("\n".join(["x,kind,y", *lines[rows]]) + "\n")
    return str(path)


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (WORDS, ("iris", "setosa")),
        ([1, 0, 1, 0] * 3, None),
        ([7, -2, 7, -2] * 3, ("-2", "7")),
        ([True, False] * 6, None),
    ],
    ids=["words", "numbers from 0", "other numbers", "true and false"],
)
def test_the_class_is_a_column_and_no_coordinate(kinds: list, names: tuple[str, ...] | None, tmp_path: Path) -> None:
    target = Array(table(tmp_path / "a.csv", kinds), labels="kind").target()
    assert target.labels is not None
    assert target.labels.tolist() == [1, 0] * 6
    assert target.classes is target.labels
    assert target.space.columns == ("x", "y")
    assert target.space.class_names == names
    assert target.space.class_frequencies == (0.5, 0.5)
    np.testing.assert_allclose(target.space.to_units(target.points), POINTS, rtol=1e-12)


def test_a_column_of_an_array_is_the_class_and_holding_out_is_of_every_class(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.column_stack([POINTS, [0, 0, 0, 1] * 3]))
    target = Array(str(tmp_path / "a.npy"), labels="x3", held_out=1 / 3).target()
    assert target.held_out is not None
    assert target.held_out.labels is not None
    assert torch.bincount(target.held_out.labels).tolist() == [3, 1]
    assert target.space.columns == ("x1", "x2")
    assert target.notes == (f"{tmp_path}/a.npy: 12 rows × 2 columns: x1, x2; 2 classes: 0, 1",)
    chosen = Array(str(tmp_path / "a.npy"), columns=("x2",), labels="x3").target()
    assert chosen.space.columns == ("x2",)


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ([0.5, *[1] * 11], 'column "kind" must hold integers or words to be the class, got 0.5 at line 2'),
        (["", *WORDS[1:]], 'column "kind" has no value at line 2'),
        (list(range(12)), "12 classes in 12 rows, too few rows per class to learn from"),
    ],
    ids=["fractions", "missing", "as many as rows"],
)
def test_what_is_no_class_is_refused(kinds: list, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        Array(table(tmp_path / "a.csv", kinds), labels="kind").target()
    assert told in str(refusal.value)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'has no column "kinds"\. Did you mean "kind"\?'):
        Array(table(tmp_path / "a.csv", WORDS), labels="kinds").target()
