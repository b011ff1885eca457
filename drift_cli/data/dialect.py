"""How a table of text is written: its separator, decimal mark and header, as given or as its first lines suggest."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " "}  # the last: any run of spaces
DECIMALS = {"point": ".", "comma": ","}
_MISSING = ("", "na", "n/a", "nan", "null", "none", "-", "?", ".", "#n/a", "<na>", "-nan")
LOOKED_AT = 200  # lines


@dataclass(frozen=True)
class Asked:
    """What the user says of the file, by the names above; None: it is guessed."""

    header: bool | None = None
    separator: str | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Dialect:
    """`names`: those of the header, None without one. `trailing`: each line ends with a separator."""

    separator: str
    decimal: str
    names: tuple[str, ...] | None
    trailing: bool
    guesses: tuple[str, ...]

    @property
    def told(self) -> str:
        header = "no" if self.names is None else "yes"
        separator = next(name for name, character in SEPARATORS.items() if character == self.separator)
        return f"header: {header}, separator: {separator}{', decimal comma' if self.decimal == ',' else ''}"


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell holds a number, with this decimal mark."""
    try:
        float(cell.strip().replace(",", ".") if decimal == "," else cell)
    except ValueError:
        return False
    return True


def of_lines(lines: Sequence[str], asked: Asked) -> Dialect:
    """The dialect of the file that begins with these lines, none of them blank."""
    separator, decimal = max(_written(asked), key=lambda way: _fit(lines, *way))
    rows = cells(lines, separator)
    trailing = len(rows[0]) > 1 and all(not row[-1].strip() for row in rows)
    if trailing:
        rows = [row[:-1] for row in rows]
    header, guesses = (asked.header, ()) if asked.header is not None else _header(rows, decimal)
    names = tuple(cell.strip() for cell in rows[0]) if header else None
    return Dialect(separator, decimal, names, trailing, guesses)


def cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Each line's cells, as a reader of CSV sees them; runs of spaces are one."""
    if separator == " ":
        return [line.split() for line in lines]
    return list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))


def _written(asked: Asked) -> list[tuple[str, str]]:
    """The ways in which it may be written, the likeliest first."""
    separators = SEPARATORS.values() if asked.separator is None else (SEPARATORS[asked.separator],)
    marks = DECIMALS.values() if asked.decimal is None else (DECIMALS[asked.decimal],)
    return [(separator, mark) for mark in marks for separator in separators if separator != mark]


def _fit(lines: Sequence[str], separator: str, decimal: str) -> tuple[float, bool, float, int]:
    """How well a way of writing fits: cells that are numbers, more than one column, rows as long as most, columns."""
    try:
        rows = cells(lines, separator)
    except csv.Error:
        return (0.0, False, 0.0, 0)
    lengths = [len(row) for row in rows]
    usual = max(set(lengths), key=lengths.count)
    below = [cell for row in rows[1:] or rows for cell in row if not _is_missing(cell)]
    numbers = sum(is_number(cell, decimal) for cell in below) / max(len(below), 1)
    return (round(numbers, 2), usual > 1, lengths.count(usual) / len(lengths), usual)


def _header(rows: list[list[str]], decimal: str) -> tuple[bool, tuple[str, ...]]:
    """Whether the first row names the columns, and what was guessed about it."""
    first, below = rows[0], rows[1:]
    if not all(is_number(cell, decimal) or _is_missing(cell) for cell in first):
        return True, ()
    if not first[0].strip() and not any(map(_is_missing, first[1:])) and _counts([row[0] for row in below]):
        return True, ()  # numbers as names, above an index that has none
    counts = [cell.strip() for cell in first] == [str(k) for k in range(len(first))]
    whole = _everywhere([cell for row in below for cell in row], lambda cell: cell.strip().lstrip("+-").isdigit())
    if counts and len(first) > 1:
        told = "names of columns" if not whole else "a point"
        other = "false" if not whole else "true"
        return not whole, (f"the first line, {', '.join(first)}, was read as {told}: dataset.header={other} if not",)
    return False, ()


def _counts(column: Sequence[str]) -> bool:
    return len(column) > 1 and [cell.strip() for cell in column] == [str(k) for k in range(len(column))]


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in _MISSING


def _everywhere(found: Sequence[str], holds: Callable[[str], bool]) -> bool:
    return bool(found) and all(map(holds, found))
