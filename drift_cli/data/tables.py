"""Points from and to files: .npy, .npz, .csv, .parquet. Nothing that can run code is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drift_cli.errors import UserError, did_you_mean

READABLE = (".npy", ".npz", ".csv", ".parquet")
WRITABLE = (".npy", ".csv", ".parquet")


@dataclass(frozen=True)
class Table:
    """`points` [n, d] in float64, finite; `columns` names them; `image` is the shape of a row that is an image."""

    points: np.ndarray
    columns: tuple[str, ...]
    image: tuple[int, int] | None = None
    unit: str = "row"  # how a row is named in the file it is from, and the number of the first
    first: int = 1


def read(path: Path, columns: list[str] | None = None) -> Table:
    """The points of a file, one per row; of named columns only where `columns` lists them.

    Raises `UserError` for a missing or empty file, ragged rows, text in a number column, a value that is not
    finite (with its row), fewer than two rows, and pickled arrays.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}: dataset.path must name a {', '.join(READABLE)} file.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty: it must hold one point per row.")
    match path.suffix.lower():
        case ".npy" | ".npz":
            table = _read_array(path, columns)
        case ".csv":
            table = _read_csv(path, columns)
        case ".parquet":
            table = _read_parquet(path, columns)
        case other:
            raise UserError(f'{path} must end in {", ".join(READABLE)}, got "{other}".')
    _check(table, path)
    return table


def _read_array(path: Path, wanted: list[str] | None) -> Table:
    with path.open("rb") as file:
        if file.read(6) not in (b"\x93NUMPY", b"PK\x03\x04\x14\x00", b"PK\x03\x04-\x00"):
            raise UserError(f"{path} is not a readable NumPy file: it does not begin like one.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            if len(loaded.files) != 1:
                named = ", ".join(loaded.files) or "none"
                raise UserError(
                    f"{path} must hold one array, got {len(loaded.files)} ({named}): save the points alone."
                )
            loaded = loaded[loaded.files[0]]
    except UserError:
        raise
    except Exception as error:
        if "allow_pickle" in str(error) or "pickle" in str(error).lower():
            raise UserError(
                f"{path} holds pickled objects, which can run code, and is refused: save it as a plain number array."
            ) from error
        raise UserError(f"{path} is not a readable NumPy file: {str(error).splitlines()[0]}.") from error
    if not (np.issubdtype(loaded.dtype, np.number) or loaded.dtype == bool) or np.iscomplexobj(loaded):
        raise UserError(f"{path} must hold real numbers, got the type {loaded.dtype}.")
    if loaded.ndim not in (1, 2, 3):
        raise UserError(f"{path} must be an array of points [n, d] or images [n, height, width], got {loaded.shape}.")
    if loaded.ndim > 1 and 0 in loaded.shape[1:]:
        raise UserError(f"{path} has no columns: it must hold one point per row, got the shape {loaded.shape}.")
    points = loaded.reshape(len(loaded), -1).astype(np.float64) if loaded.size else np.empty((0, 1))
    image = (loaded.shape[1], loaded.shape[2]) if loaded.ndim == 3 else None
    columns = tuple(f"x{k + 1}" for k in range(points.shape[1]))
    if wanted is None:
        return Table(points, columns, image)
    return Table(points[:, _picked(columns, wanted, path)], tuple(wanted))


def _read_csv(path: Path, wanted: list[str] | None) -> Table:
    from pyarrow import ArrowInvalid, csv

    try:
        blank = 0
        with path.open(encoding="utf-8-sig") as lines:
            while not (first := lines.readline()).strip() and first:
                blank += 1
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: save it as a plain CSV file.") from error
    delimiter = max(",;\t", key=first.count)
    header = not all(_is_number(cell) for cell in first.strip().split(delimiter))
    try:
        arrow = csv.read_csv(
            path,
            read_options=csv.ReadOptions(autogenerate_column_names=not header, use_threads=False, skip_rows=blank),
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(null_values=[""]),  # "nan" is a number, and refused as one
        )
    except ArrowInvalid as error:
        text = str(error).splitlines()[0].removeprefix("CSV parse error: ")
        raise UserError(f"{path} is not a rectangular table: {text}. Every line needs the same columns.") from error
    columns = tuple(arrow.column_names) if header else tuple(f"x{k + 1}" for k in range(arrow.num_columns))
    first_line = blank + (2 if header else 1)
    return _numbers(arrow, columns, wanted, path, "line", first_line)


def _read_parquet(path: Path, wanted: list[str] | None) -> Table:
    from pyarrow import ArrowException, parquet

    try:
        arrow = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise UserError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}.") from error
    columns = tuple(map(str, arrow.column_names))
    return _numbers(arrow, columns, wanted, path, "row", 1)


def _numbers(
    arrow: Any, columns: tuple[str, ...], wanted: list[str] | None, path: Path, unit: str, first: int
) -> Table:
    """The wanted columns of an Arrow table as float64; a cell that is not a number is named by its line or row."""
    import pyarrow as pa

    picked = _picked(columns, wanted, path)
    arrays = []
    for name, column in ((columns[k], arrow.column(k)) for k in picked):
        kind = column.type
        numeric = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        if arrow.num_rows and not numeric:
            cells = column.to_pylist()
            bad = next((row for row, cell in enumerate(cells) if not _is_number(str(cell))), None)
            where = f' at {unit} {bad + first}: "{cells[bad]}"' if bad is not None else f" ({kind})"
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
    return Table(points, tuple(columns[k] for k in picked), unit=unit, first=first)


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


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check(table: Table, path: Path) -> None:
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


def write(path: Path, points: np.ndarray, columns: tuple[str, ...], labels: np.ndarray | None = None) -> list[Path]:
    """Write samples (points [n, d], or [n, height, width] for .npy); returns the files written.

    Labels become a column `label`, or a second file `<name>.labels.npy` beside a .npy file.
    """
    match path.suffix.lower():
        case ".npy":
            with path.open("wb") as file:  # np.save would add its own ending to a name in capitals
                np.save(file, points)
            if labels is None:
                return [path]
            beside = path.with_suffix(".labels.npy")
            np.save(beside, labels)
            return [path, beside]
        case ".csv" | ".parquet":
            import pyarrow as pa
            from pyarrow import csv, parquet

            flat = points.reshape(len(points), -1)
            entries = {name: flat[:, k] for k, name in enumerate(columns)}
            if labels is not None:
                entries["label"] = labels
            arrow = pa.table(entries)
            if path.suffix.lower() == ".csv":
                csv.write_csv(arrow, path)
            else:
                parquet.write_table(arrow, path)
            return [path]
    raise UserError(f'out must end in {", ".join(WRITABLE)}, got "{path.name}".')
