"""Points from and to files: .npy, .npz, .csv, .parquet. Nothing that can run code is read."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from drift_cli.data.dialect import LOOKED_AT, Asked, cells, is_number, of_lines
from drift_cli.data.limit import LIMIT, check_limit
from drift_cli.data.numpy_files import arrays
from drift_cli.errors import UserError, did_you_mean
from drift_cli.files import whole, write_array

READABLE = (".npy", ".npz", ".csv", ".parquet")
WRITABLE = (".npy", ".csv", ".parquet")
_GUESS = Asked()
_SHOWN = 20  # columns named in one line
_NO_VALUE = ["", "NA", "N/A", "#N/A", "null", "NULL", "None", "<NA>"]
_INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
_FARTHEST = 1e150  # from where the spread of a column overflows


@dataclass(frozen=True)
class Table:
    """`points` [n, d] in float64, finite; `columns` names them; `image` is the shape of a row that is an image.

    `classes` are those of the column that was asked for as the class, which is none of `columns`.
    """

    points: np.ndarray
    columns: tuple[str, ...]
    image: tuple[int, int] | None = None
    classes: np.ndarray | None = None  # [n], integers or words
    unit: str = "row"  # how a row is named in the file it is from, and the number of the first
    first: int = 1
    written: str = ""  # how a table of text is written
    guesses: tuple[str, ...] = ()  # what was decided without being sure, each with the setting that decides it

    @property
    def told(self) -> str:
        """What was read, in one line."""
        rows, dimension = self.points.shape
        if self.image is not None:
            return f"{rows:,} images of {' × '.join(map(str, self.image))}"
        named = ", ".join(self.columns[:_SHOWN]) + (", …" if dimension > _SHOWN else "")
        columns = "column" if dimension == 1 else "columns"
        return f"{rows:,} rows × {dimension:,} {columns}: {named}" + (f"; {self.written}" if self.written else "")


def read(
    path: Path,
    columns: list[str] | None = None,
    asked: Asked = _GUESS,
    index: str | None = None,
    label: str | None = None,
    limit: int = LIMIT,
) -> Table:
    """The points of a file, one per row; of named columns only where `columns` lists them. `label`: the class's column.

    `asked` is what the user says of how a table of text is written, and `index` the column that only numbers the rows
    ("none": no column does). If not given, both are guessed, and `Table.guesses` reports this. `limit`: numbers that
    are read at most of a file that may unpack to more than its size.

    Raises `UserError` for a missing or empty file, ragged rows, text in a number column, a value that is not
    finite (with its row), fewer than two rows, and pickled arrays.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}: dataset.path must name a {', '.join(READABLE)} file.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: it must hold one point per row.")
    match path.suffix.lower():
        case ".npy" | ".npz":
            table = _read_array(path, columns, label, limit)
        case ".csv":
            table = _read_csv(path, columns, asked, index, label)
        case ".parquet":
            table = _read_parquet(path, columns, index, label, limit)
        case other:
            raise UserError(f'{path} must end in {", ".join(READABLE)}, got "{other}".')
    _check(table, path)
    return table


def _read_array(path: Path, wanted: list[str] | None, label: str | None, limit: int) -> Table:
    found = arrays(path, limit)
    if len(found) != 1:
        named = ", ".join(found) or "none"
        raise UserError(f"{path} must hold one array, got {len(found)} ({named}): save the points alone.")
    (loaded,) = found.values()
    if not (np.issubdtype(loaded.dtype, np.number) or loaded.dtype == bool) or np.iscomplexobj(loaded):
        raise UserError(f"{path} must hold real numbers, got the type {loaded.dtype}.")
    if loaded.dtype.kind == "m":  # whose missing value would be a number
        raise UserError(f"{path} must hold real numbers, got durations ({loaded.dtype}): save them as seconds.")
    if loaded.ndim not in (1, 2, 3):
        coloured = ": dataset=images reads images in colour" if loaded.ndim == 4 else ""
        raise UserError(
            f"{path} must be an array of points [n, d] or images [n, height, width], got {loaded.shape}{coloured}."
        )
    if loaded.ndim > 1 and 0 in loaded.shape[1:]:
        raise UserError(f"{path} has no columns: it must hold one point per row, got the shape {loaded.shape}.")
    points = loaded.reshape(len(loaded), -1).astype(np.float64) if loaded.size else np.empty((0, 1))
    image = (loaded.shape[1], loaded.shape[2]) if loaded.ndim == 3 else None
    columns = tuple(f"x{k + 1}" for k in range(points.shape[1]))
    if wanted is None and label is None:
        return Table(points, columns, image)
    picked, classes = _picked(columns, wanted, path), None
    if label is not None:
        own = _picked(columns, [label], path)[0]
        picked, classes = [k for k in picked if k != own], _classes(points[:, own].tolist(), label, path, "row", 1)
    return Table(points[:, picked], tuple(columns[k] for k in picked), classes=classes)


def _read_csv(path: Path, wanted: list[str] | None, asked: Asked, index: str | None, label: str | None) -> Table:
    from pyarrow import ArrowInvalid, csv

    try:
        blank, first = 0, []
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                if line.strip():
                    first.append(line.rstrip("\r\n"))
                else:
                    blank += not first
                if len(first) == LOOKED_AT:
                    break
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: save it as a plain CSV file.") from error
    if not first:
        raise UserError(f"{path} is empty: it must hold one point per row.")
    way = of_lines(first, asked)
    count = len(cells(first[:1], way.separator)[0]) - way.trailing
    columns = way.names or tuple(f"x{k + 1}" for k in range(count))
    spaced = way.separator == " "
    try:
        arrow = csv.read_csv(
            _tabbed(path) if spaced else path,
            read_options=csv.ReadOptions(
                column_names=[*columns, *(["trailing"] if way.trailing else [])],
                use_threads=False,
                skip_rows=blank + (way.names is not None),
            ),
            parse_options=csv.ParseOptions(delimiter="\t" if spaced else way.separator),
            # "nan" is a number, and refused as one
            convert_options=csv.ConvertOptions(null_values=_NO_VALUE, decimal_point=way.decimal),
        )
    except ArrowInvalid as error:
        text = str(error).splitlines()[0].removeprefix("CSV parse error: ")
        if "Empty CSV file" in text:
            raise UserError(f"{path} must hold at least 2 rows (points), got 0.") from error
        raise UserError(
            f"{path} is not a rectangular table: {text}. Every line needs the same number of columns."
        ) from error
    if way.trailing:
        arrow = arrow.select(list(range(count)))
    first_line = blank + (2 if way.names is not None else 1)
    table = _numbers(arrow, columns, wanted, path, "line", first_line, index, label)
    return replace(table, written=way.told, guesses=(*way.guesses, *table.guesses))


def _tabbed(path: Path) -> io.BytesIO:
    """The file with a tab for every run of spaces."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return io.BytesIO("".join("\t".join(line.split()) + "\n" for line in lines).encode())


def _read_parquet(path: Path, wanted: list[str] | None, index: str | None, label: str | None, limit: int) -> Table:
    from pyarrow import ArrowException, parquet

    try:
        held = parquet.ParquetFile(path).metadata
        check_limit(path, held.num_rows * held.num_columns, limit)
        arrow = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise UserError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}.") from error
    columns = tuple(map(str, arrow.column_names))
    return _numbers(arrow, columns, wanted, path, "row", 1, index, label)


def _numbers(
    arrow: Any,
    columns: tuple[str, ...],
    wanted: list[str] | None,
    path: Path,
    unit: str,
    first: int,
    index: str | None,
    label: str | None,
) -> Table:
    """The wanted columns of an Arrow table as float64; a cell that is not a number is named by its line or row."""
    import pyarrow as pa

    picked, classes = _picked(columns, wanted, path), None
    if label is not None:
        (named,) = _picked(columns, [label], path)
        picked = [k for k in picked if k != named]
        classes = _classes(arrow.column(named).to_pylist(), label, path, unit, first)
    picked, guesses = _without_index(arrow, columns, picked, index if wanted is None else "none")
    arrays = []
    for name, column in ((columns[k], arrow.column(k)) for k in picked):
        kind = column.type
        if pa.types.is_decimal(kind):
            column, kind = column.cast(pa.float64()), pa.float64()  # noqa: PLW2901
        numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        if arrow.num_rows and not numeric:
            cells = column.to_pylist()
            bad = next((row for row, cell in enumerate(cells) if not is_number(str(cell))), None)
            where = f' at {unit} {bad + first}: "{cells[bad]}"' if bad is not None else f" (the type {kind})"
            raise UserError(
                f'{path}: column "{name}" must hold numbers, got text{where}. Name the columns to use with '
                "dataset.columns=[…]."
            )
        empty = column.is_null().to_pylist()
        if any(empty):
            raise UserError(
                f'{path}: column "{name}" has no value at {unit} {empty.index(True) + first}: fill or drop it.'
            )
        arrays.append(column.to_numpy().astype(np.float64))
    points = np.stack(arrays, axis=1) if arrays else np.empty((0, 0))
    return Table(points, tuple(columns[k] for k in picked), classes=classes, unit=unit, first=first, guesses=guesses)


def _classes(cells: list[Any], label: str, path: Path, unit: str, first: int) -> np.ndarray:
    """The cells of the class's column as integers, or as words where one of them is none."""
    for row, cell in enumerate(cells):
        at = f'{path}: column "{label}"', f"at {unit} {row + first}"
        if cell is None or str(cell) in (*_NO_VALUE, "nan"):
            raise UserError(f"{at[0]} has no value {at[1]}: fill or drop it, or use a word in its place.")
        if isinstance(cell, float) and not cell.is_integer():
            raise UserError(f"{at[0]} must hold integers or words to be the class, got {cell:g} {at[1]}.")
    words = any(isinstance(cell, str) for cell in cells)
    classes = np.array([str(cell) if words else int(cell) for cell in cells])
    if (count := len(np.unique(classes))) > len(cells) / 2:
        raise UserError(
            f'{path}: column "{label}" has {count:,} classes in {len(cells):,} rows, too few rows per class to '
            "learn from: choose a column with repeated values."
        )
    return classes


def _without_index(
    arrow: Any, columns: tuple[str, ...], picked: list[int], index: str | None
) -> tuple[list[int], tuple[str, ...]]:
    """The columns but for one that numbers the rows: the one named, or the nameless one that a data frame adds."""
    if index == "none":
        return picked, ()
    if index is not None:
        if index not in columns:
            near = did_you_mean(index, columns)
            raise UserError(f'dataset.index must be a column or none, got "{index}".{near}')
        return [k for k in picked if columns[k] != index], ()
    counting = [k for k in picked if len(picked) > 1 and _counts(arrow.column(k))]
    added = [k for k in counting if columns[k] in _INDEX_NAMES]
    told = tuple(
        f"the column {columns[k] or 'without a name'} numbers the rows and was left out: dataset.index=none keeps it"
        if k in added
        else f"the column {columns[k]} numbers the rows and is trained on: dataset.index={columns[k]} leaves it out"
        for k in counting
    )
    return [k for k in picked if k not in added], told


def _counts(column: Any) -> bool:
    """Whether it is 0, 1, 2, … or 1, 2, 3, …"""
    import pyarrow as pa

    if len(column) < 3 or column.null_count or not pa.types.is_integer(column.type):
        return False
    values = column.to_numpy()
    return values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def _picked(columns: tuple[str, ...], wanted: list[str] | None, path: Path) -> list[int]:
    """The indices of the wanted columns; all of them where none are named."""
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise UserError(f"{path} has more than one column named {', '.join(repeated)}: give each its own name.")
    if wanted is None:
        return list(range(len(columns)))
    for name in wanted:
        if name not in columns:
            raise UserError(
                f'{path} has no column "{name}".{did_you_mean(name, columns)} It has: {", ".join(columns[:20])}.'
            )
    return [columns.index(name) for name in wanted]


def _check(table: Table, path: Path) -> None:
    """Raise `UserError` for what cannot be trained on: too few rows, values without a number or a spread."""
    rows, dimension = table.points.shape
    if dimension == 0:
        raise UserError(f"{path} has no columns: it must hold one point per row.")
    if rows < 2:
        raise UserError(f"{path} must hold at least 2 rows (points), got {rows}.")
    finite = np.isfinite(table.points)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        value = table.points[row, column]
        raise UserError(
            f"{path}: every value must be finite, got {value} at {table.unit} {row + table.first}, "
            f'column "{table.columns[column]}".'
        )
    largest = np.abs(table.points).max(axis=0)
    if (far := np.flatnonzero(largest > _FARTHEST)).size:
        raise UserError(
            f'{path}: column "{table.columns[far[0]]}" reaches {largest[far[0]]:.3g}, whose square overflows: '
            f"rescale the column to stay below {_FARTHEST:g}."
        )


def write(path: Path, points: np.ndarray, columns: tuple[str, ...], labels: np.ndarray | None = None) -> list[Path]:
    """Write samples (points [n, d], or images [n, height, width(, 3)] for .npy); returns the files written, each whole.

    Labels become a column `label`, or a second file `<name>.labels.npy` next to a .npy file.
    """
    match path.suffix.lower():
        case ".npy":
            written = {path: points} | ({} if labels is None else {path.with_suffix(".labels.npy"): labels})
            for place, array in written.items():
                write_array(place, array)
            return list(written)
        case ".csv" | ".parquet":
            import pyarrow as pa
            from pyarrow import csv, parquet

            flat = points.reshape(len(points), -1)
            entries = {name: flat[:, k] for k, name in enumerate(columns)}
            if labels is not None:
                entries["label"] = labels
            arrow = pa.table(entries)
            with whole(path) as beside:
                if path.suffix.lower() == ".csv":
                    csv.write_csv(arrow, beside)
                else:
                    parquet.write_table(arrow, beside)
            return [path]
    raise UserError(f'out must end in {", ".join(WRITABLE)}, got "{path.name}".')
