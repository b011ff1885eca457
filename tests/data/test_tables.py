from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drift_cli.data import tables
from drift_cli.errors import UserError

POINTS = np.array([[1.5, -2.0], [3.25, 1e-30], [0.1, 7e20]])


@pytest.mark.parametrize("suffix", tables.WRITABLE)
def test_what_is_written_is_read_back_to_the_bit(suffix: str, tmp_path: Path) -> None:
    (path,) = tables.write(tmp_path / f"points{suffix}", POINTS, ("height", "weight"))
    table = tables.read(path)
    np.testing.assert_array_equal(table.points, POINTS)
    assert table.columns == (("x1", "x2") if suffix == ".npy" else ("height", "weight"))


def test_labels_are_a_column_or_a_file_beside(tmp_path: Path) -> None:
    labels = np.array([0, 1, 1])
    (csv,) = tables.write(tmp_path / "a.csv", POINTS, ("x", "y"), labels)
    np.testing.assert_array_equal(tables.read(csv, ["label"]).points[:, 0], labels)
    points, beside = tables.write(tmp_path / "a.npy", POINTS, ("x", "y"), labels)
    assert points.name == "a.npy"
    np.testing.assert_array_equal(np.load(beside), labels)


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("a,b\n1,2\n3,4\n", ("a", "b"), 2),
        ("1,2\n3,4\n5,6\n", ("x1", "x2"), 3),
        ("a;b\n1;2\n3;4\n", ("a", "b"), 2),
        ("a\tb\n1\t2\n3\t4\n", ("a", "b"), 2),
        ("\ufeffa,b\n1,2\n3,4\n", ("a", "b"), 2),
        ("n\n1\n2\n", ("n",), 2),
        ("\n\na,b\n1,2\n3,4\n", ("a", "b"), 2),
    ],
    ids=["header", "no header", "semicolons", "tabs", "byte order mark", "one column", "blank lines first"],
)
def test_csv_files_of_all_kinds(text: str, columns: tuple[str, ...], rows: int, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(text)
    table = tables.read(path)
    assert table.columns == columns
    assert table.points.shape == (rows, len(columns))


def test_npz_images_and_chosen_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", points=POINTS)
    np.testing.assert_array_equal(tables.read(tmp_path / "one.npz").points, POINTS)
    np.save(tmp_path / "images.npy", np.zeros((5, 4, 3)))
    table = tables.read(tmp_path / "images.npy")
    assert table.image == (4, 3)
    assert table.points.shape == (5, 12)
    (tmp_path / "c.csv").write_text("name,x,y\nanna,1,2\nbo,3,4\n")
    np.testing.assert_array_equal(tables.read(tmp_path / "c.csv", ["y", "x"]).points, [[2, 1], [4, 3]])


def _text(text: str):
    return lambda path: path.write_text(text)


@pytest.mark.parametrize(
    ("name", "make", "told"),
    [
        ("none.csv", lambda path: None, "There is no file"),
        ("empty.csv", _text(""), "is empty"),
        ("header.csv", _text("a,b\n"), "at least 2 rows.*got 0"),
        ("one.csv", _text("a,b\n1,2\n"), "at least 2 rows.*got 1"),
        ("ragged.csv", _text("a,b\n1,2\n3\n"), "not a rectangular table.*3"),
        ("long.csv", _text("a,b\n1,2\n3,4,5\n"), "not a rectangular table"),
        ("text.csv", _text("a,b\n1,2\n3,four\n5,6\n"), 'column "b".*line 3: "four"'),
        ("gap.csv", _text("a,b\n1,2\n3,\n5,6\n"), 'column "b" has no value at line 3'),
        ("nan.csv", _text("a,b\n1,2\nnan,4\n5,6\n"), 'finite, got nan at line 3, column "a"'),
        ("inf.csv", _text("a,b\n1,2\n3,4\n5,inf\n"), 'finite, got inf at line 4, column "b"'),
        ("bytes.csv", lambda path: path.write_bytes(b"\xff\xfe\x00a"), "not text in UTF-8"),
        ("points.txt", _text("1 2\n"), r'must end in .*got ".txt"'),
        ("nan.npy", lambda path: np.save(path, [[1.0], [np.nan]]), "finite, got nan at row 2"),
        ("pickle.npy", lambda path: np.save(path, np.array([{}, []], dtype=object)), "pickled.*refused"),
        ("words.npy", lambda path: np.save(path, np.array(["a", "b"])), "must hold real numbers"),
        ("complex.npy", lambda path: np.save(path, np.ones((3, 1), complex)), "must hold real numbers"),
        ("four.npy", lambda path: np.save(path, np.ones((3, 1, 1, 1))), "must be an array of points"),
        ("twice.csv", _text("a,a\n1,2\n3,4\n"), "more than one column named a"),
        ("text.npy", _text("hello"), "not a readable NumPy file"),
        ("flat.npy", lambda path: np.save(path, np.ones((5, 0))), "has no columns"),
        ("cut.npy", lambda path: path.write_bytes(b"\x93NUMPY\x01"), "not a readable NumPy file"),
        ("two.npz", lambda path: np.savez(path, a=POINTS, b=POINTS), "must hold one array, got 2"),
        ("cut.parquet", lambda path: path.write_bytes(b"PAR1"), "not a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(name: str, make, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(UserError, match=told) as refusal:
        tables.read(path)
    assert "\n" not in str(refusal.value)


def test_an_unknown_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("height,weight\n1,2\n3,4\n")
    with pytest.raises(UserError, match=r'no column "hight".*Did you mean "height"'):
        tables.read(tmp_path / "c.csv", ["hight"])
