"""Tables of text as programs write them: read as they were meant, and what was guessed is said."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from drift_cli.data import tables
from drift_cli.data.array import Array
from drift_cli.data.dialect import Asked
from drift_cli.errors import UserError

RNG = np.random.default_rng(1)
SEPARATORS, MARKS, HEADERS = (",", ";", "\t", " "), (".", ","), (None, ("length", "speed", "count"))
WAYS = [way for way in itertools.product(SEPARATORS, MARKS, HEADERS, (False, True)) if way[0] != way[1]]


def written(points: np.ndarray, separator: str, mark: str, header: tuple[str, ...] | None, trailing: bool) -> str:
    rows = [[f"{value:.6g}".replace(".", mark) for value in row] for row in points]
    lines = [separator.join(row) + (separator if trailing else "") for row in ([list(header)] if header else []) + rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("separator", "mark", "header", "trailing"), WAYS)
@pytest.mark.parametrize("dimension", [2, 3])
def test_every_way_of_writing_gives_the_same_points(
    separator: str, mark: str, header: tuple[str, ...] | None, trailing: bool, dimension: int, tmp_path: Path
) -> None:
    names = None if header is None else header[:dimension]
    points = RNG.normal(size=(40, dimension)).round(4)
    (tmp_path / "t.csv").write_text(written(points, separator, mark, names, trailing))
    table = tables.read(tmp_path / "t.csv")
    np.testing.assert_allclose(table.points, points, rtol=1e-5)
    assert table.columns == (names or ("x1", "x2", "x3")[:dimension])
    assert table.guesses == ()
    assert f"header: {'no' if header is None else 'yes'}" in table.told
    assert ("decimal comma" in table.told) == (mark == ",")


CASES = {
    "a gap in the first row": ("1.0,,3.0\n-1.3,0.3,1.3\n0.1,0.2,0.4\n", 'column "x2" has no value at line 1'),
    "NA in the first row": ("1,NA\n-0.7,0.6\n0.1,0.2\n", 'column "x2" has no value at line 1'),
    "a header that is all there is": ("a,b\n", "at least 2 rows"),
    "far too large": ("a,b\n1,2\n1e200,3\n", 'column "a" reaches 1e\\+200, whose square overflows'),
}


@pytest.mark.parametrize("case", CASES)
def test_a_point_is_never_lost_to_a_header(case: str, tmp_path: Path) -> None:
    text, told = CASES[case]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=told):
        tables.read(tmp_path / "t.csv")


def test_numbers_as_names_are_guessed_and_the_user_decides(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("0,1\n4.9,5.1\n4.8,5.2\n")
    guessed = tables.read(path)
    assert (guessed.columns, len(guessed.points)) == (("0", "1"), 2)
    assert guessed.guesses == ("the first line, 0, 1, was read as names of columns: dataset.header=false if not",)
    assert len(tables.read(path, asked=Asked(header=False)).points) == 3
    path.write_text("0,1\n4,5\n3,2\n")  # whole numbers throughout: as likely a point
    assert len(tables.read(path).points) == 3
    assert "dataset.header=true if not" in tables.read(path).guesses[0]


def test_a_column_that_numbers_the_rows_is_left_out_or_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{k},{k * 0.5},{k * k}" for k in range(5)]
    path.write_text("\n".join([",x,y", *rows]))
    table = tables.read(path)
    assert table.columns == ("x", "y")
    assert "numbers the rows and was left out: dataset.index=none keeps it" in table.guesses[0]
    assert tables.read(path, index="none").points.shape == (5, 3)
    path.write_text("\n".join(["id,x,y", *rows]))
    table = tables.read(path)
    assert table.columns == ("id", "x", "y")
    assert table.guesses == ("the column id numbers the rows and is trained on: dataset.index=id leaves it out",)
    assert tables.read(path, index="id").columns == ("x", "y")
    with pytest.raises(UserError, match=r'dataset\.index must be a column or none, got "ids"\. Did you mean "id"'):
        tables.read(path, index="ids")


def test_types_that_are_no_plain_numbers(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    exact = pa.array([0.5, 0.25, 0.75]).cast(pa.decimal128(5, 3))
    parquet.write_table(pa.table({"x": exact, "y": [1.0, 2.0, 4.0]}), tmp_path / "a.parquet")
    np.testing.assert_array_equal(tables.read(tmp_path / "a.parquet").points[:, 0], [0.5, 0.25, 0.75])
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, "NaT"]], dtype="timedelta64[s]"))
    with pytest.raises(UserError, match="must hold real numbers, got durations"):
        tables.read(tmp_path / "a.npy")


@pytest.mark.parametrize("value", [14.62, 1e-12, -3e8])
def test_one_point_up_to_rounding_is_refused(value: float, tmp_path: Path) -> None:
    points = np.full((1000, 2), value)
    points[::2] *= 1 + 1e-16  # no other number
    np.save(tmp_path / "a.npy", points)
    with pytest.raises(UserError, match="one point: every row is the same, up to rounding"):
        Array(str(tmp_path / "a.npy")).target()
    points[:, 0] += abs(value) * RNG.normal(size=1000) * 1e-9  # as of time stamps: small, and above rounding
    np.save(tmp_path / "a.npy", points)
    assert Array(str(tmp_path / "a.npy")).target().size == 1000


def test_what_was_read_stands_first_and_then_each_guess(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("0,1\n4.9,5.1\n4.8,5.2\n")
    read, guess = Array(str(tmp_path / "t.csv")).target().notes
    assert read.endswith("t.csv: 2 rows × 2 columns: 0, 1; header: yes, separator: comma")
    assert guess.startswith("the first line")


def test_a_small_parquet_of_a_billion_numbers_is_not_unpacked(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": np.zeros(101), "y": np.zeros(101)}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"202 numbers .* above the limit of 100"):
        tables.read(tmp_path / "a.parquet", limit=100)
