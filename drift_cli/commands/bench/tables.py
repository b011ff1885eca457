"""The tables that `drift bench` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from drift_cli.commands.bench import sinkhorn
from drift_cli.commands.bench.grid import Grid
from drift_cli.commands.bench.ratio import Ratio
from drift_cli.commands.bench.row import Row

_Row = TypeVar("_Row", Row, sinkhorn.Row)


def of(rows: Sequence[Row] | Sequence[sinkhorn.Row]) -> Grid:
    """Of one cell; ratios are to its first row."""
    drifts = [row for row in rows if isinstance(row, Row)]
    return _of_drifts(drifts) if drifts else _of_sinkhorn([row for row in rows if isinstance(row, sinkhorn.Row)])


def _of_drifts(rows: Sequence[Row]) -> Grid:
    """The column of the limit is there where there is one."""
    cells: dict[str, Callable[[Row], str]] = {
        "who": lambda row: row.who,
        "ms": lambda row: f"{row.timing.ms:.2f}",
        "least ms": lambda row: f"{row.timing.least_ms:.2f}",
        f"× {rows[0].who}": lambda row: _ratio(row.timing.ratio),
        "start-up ms": lambda row: f"{row.timing.start_up_ms:,.0f}",
        "peak MB": lambda row: f"{row.peak_mb:.0f}",
        "pairs/s": lambda row: f"{row.pairs_per_s:.2g}",
        "rel. error": lambda row: _error(row.rel_err),
    }
    if any(row.limit is not None for row in rows):
        cells["of the limit"] = lambda row: "–" if row.limit is None else f"{row.limit:.0%}"
    return _grid(rows, cells)


def _of_sinkhorn(rows: Sequence[sinkhorn.Row]) -> Grid:
    cells: dict[str, Callable[[sinkhorn.Row], str]] = {
        "who": lambda row: row.who,
        "setting": lambda row: row.setting if row.reached else f"{row.setting} (not as exact)",
        "ms": lambda row: f"{row.timing.ms:.2f}",
        "least ms": lambda row: f"{row.timing.least_ms:.2f}",
        f"× {rows[0].who}": lambda row: _ratio(row.timing.ratio),
        "peak MB": lambda row: f"{row.peak_mb:.0f}",
        "marginal error": lambda row: _error(row.marginal_error),
        "drift error": lambda row: _error(row.drift_error),
    }
    return _grid(rows, cells)


def _grid(rows: Sequence[_Row], cells: Mapping[str, Callable[[_Row], str]]) -> Grid:
    title = f"{rows[0].what}, N = {rows[0].n:,}, d = {rows[0].d}"
    return Grid(title, tuple(cells), tuple(tuple(cell(row) for cell in cells.values()) for row in rows))


def _ratio(ratio: Ratio) -> str:
    """The median and its interval; one turn has none."""
    values = (ratio.median, ratio.low, ratio.high)
    median, low, high = (f"{value:.3g}" if value < 99.5 else f"{value:.0f}" for value in values)
    return median if low == high else f"{median} ({low}–{high})"


def _error(error: float | None) -> str:
    return "–" if error is None else f"{error:.1e}"
