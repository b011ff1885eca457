"""`drift table FOLDER`: one row per run, and mean ± standard deviation over seeds; printed and written."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from drift_cli.commands.table.settings import TableConfig
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.files import whole
from drift_cli.runs.collection import MEASURES, Group, Row, collect, groups

Shown = dict[str, tuple[str, str | None]]

# What is printed: a measure, beside its floor where it has one, under a short heading.
_SHOWN: Shown = {
    "SW (floor)": ("sw", "sw_floor"),
    "SW large (floor)": ("sw_large", "sw_large_floor"),
    "|V|": ("drift_norm", None),
    "steps/s": ("steps_per_second", None),
}
# The same of images that were judged, and of mixtures: shown where a run has them.
_SHOWN_IF_THERE: Shown = {
    "acc (judge's)": ("accuracy", "accuracy_floor"),
    "worst": ("accuracy_worst", "accuracy_worst_floor"),
    "SVM (its own)": ("accuracy_svm", "accuracy_svm_floor"),
    "class p": ("class_p", None),
    "FD (floor)": ("frechet", "frechet_floor"),
    "coverage (floor)": ("coverage", "coverage_floor"),
    "spread (real)": ("spread", "spread_floor"),
    "pref px (null)": ("pref_pixels", "pref_pixels_floor"),
    "pref ft (null)": ("pref_features", "pref_features_floor"),
    "mode error (floor)": ("mode_error", "mode_error_floor"),
}


def run(config: TableConfig, path: Path) -> list[Group]:
    """Print both tables; write runs.csv (every run) and table.csv (over seeds) into the folder."""
    top = Path(config.folder)
    found = collect(top)
    every = found.rows
    over_seeds = groups(every)
    keys = list(every[0].settings)
    console = make_console()
    for line in found.passed_over:
        console.print(f"warning: skipped: {line}", style="yellow", soft_wrap=True)
    has = {name for row in every for name, value in row.measures.items() if value is not None}
    shown = _SHOWN | {heading: pair for heading, pair in _SHOWN_IF_THERE.items() if pair[0] in has}
    console.print(_runs_table(every, keys, shown))
    console.print()
    console.print(_groups_table(over_seeds, keys, shown))
    try:
        _write(top / "runs.csv", ["folder", *keys, "seed", "status", *MEASURES], map(_run_cells, every))
        columns = [name for measure in MEASURES for name in (measure, f"{measure}_sd")]
        _write(top / "table.csv", [*keys, "finished", "runs", *columns], map(_group_cells, over_seeds))
    except OSError as error:
        raise UserError(f"The tables cannot be written into {top}: {error.strerror}.") from error
    console.print(f"\n{top / 'runs.csv'}\n{top / 'table.csv'}", highlight=False, soft_wrap=True)
    return over_seeds


def _runs_table(every: list[Row], keys: list[str], shown: Shown) -> Table:
    table = _table(["run", *keys, "seed", "status", *shown], left=len(keys) + 3)
    for row in every:
        settings = (_text(row.settings[key]) for key in keys)
        cells = (_beside(_number(row.measures[name]), row.measures, floor) for name, floor in shown.values())
        table.add_row(row.folder, *settings, str(row.seed), row.status, *cells)
    return table


def _groups_table(over_seeds: list[Group], keys: list[str], shown: Shown) -> Table:
    table = _table([*keys, "finished", *shown], left=len(keys) + 1)
    for group in over_seeds:
        settings = (_text(group.settings[key]) for key in keys)
        cells = (
            _beside(_with_spread(group.means[name], group.sds[name]), group.means, floor)
            for name, floor in shown.values()
        )
        table.add_row(*settings, f"{group.finished} of {group.runs}", *cells)
    table.title = "mean ± sd over seeds, finished runs"
    table.title_justify = "left"
    return table


def _beside(cell: str, measures: dict[str, float | None], floor: str | None) -> str:
    """A cell with the floor of its measure in brackets, where both are known."""
    value = measures[floor] if floor else None
    return cell if value is None or cell == "–" else f"{cell} ({value:.4g})"


def _table(headings: list[str], left: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < left else "right", overflow="fold")
    return table


def _run_cells(row: Row) -> list[Any]:
    return [row.folder, *row.settings.values(), row.seed, row.status, *row.measures.values()]


def _group_cells(group: Group) -> list[Any]:
    pairs = [cell for name in MEASURES for cell in (group.means[name], group.sds[name])]
    return [*group.settings.values(), group.finished, group.runs, *pairs]


def _write(path: Path, headings: Sequence[str], lines: Any) -> None:
    with whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows(lines)


def _text(value: Any) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _with_spread(mean: float | None, sd: float | None) -> str:
    if mean is None:
        return "–"
    return f"{mean:.4g}" if sd is None else f"{mean:.4g} ± {sd:.1g}"
