"""`drift bench`: the drift's speed on this machine, with naive torch, the installed peers, and the machine's limit."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console

from drift_cli.commands.bench import cell, sinkhorn, tables
from drift_cli.commands.bench import figures as figure
from drift_cli.commands.bench.load import Load
from drift_cli.commands.bench.row import Row
from drift_cli.commands.bench.settings import BenchConfig
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.files import whole, write_json
from drift_cli.fused import native
from drift_cli.runs import provenance
from drift_cli.training import device as devices

_Found = list[Row] | list[sinkhorn.Row]  # of one table
_UNDRAWN = ("step", "paths", "classes")  # the figure is of drifts of all points


def run(config: BenchConfig, path: Path) -> list[Row | sinkhorn.Row]:
    """Measure every cell and print it; bench.json and bench.md in the run folder grow with them.

    A figure ends it where there are several numbers of points.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    device = devices.resolve(config.device)
    console = make_console()
    _begin(config, path, device, console)
    rows: list[Row | sinkhorn.Row] = []
    page: list[str] = []
    for found in _cells(config, device, console):
        grid, warning = tables.of(found), _warning(found, device)
        console.print(grid.rich())
        page.append(grid.markdown())
        if warning:
            console.print(warning, style="yellow", highlight=False, soft_wrap=True)
            page.append(f"{warning}\n")
        rows += found
        _keep(path, rows, page)
    console.print(f"{path / 'bench.json'}", highlight=False, soft_wrap=True)
    drawn = [row.told() for row in rows if isinstance(row, Row) and row.what not in _UNDRAWN]
    if len({row["n"] for row in drawn}) > 1:
        console.print(f"{figure.draw(drawn, path / 'figures')}", highlight=False, soft_wrap=True)
    return rows


def _begin(config: BenchConfig, path: Path, device: torch.device, console: Console) -> None:
    """Say what the limit is, and write it down with what the run is made with."""
    origin = provenance.at_start("bench", config.seed, device)
    limit = cell.pairs_limit() if device.type == "cpu" and native.library() else None
    if limit:
        console.print(f"limit at d = 2: {limit:.3g} pairs/s, the loop's bare arithmetic without memory traffic")
    if any(d > cell.FEW for d in config.d):
        console.print(f"limit above d = {cell.FEW}: the four matrix products alone, by blocks of rows")
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_json(path / "provenance.json", origin | {"limit_pairs_per_s": limit})
    except OSError as error:
        raise UserError(f"The output folder {path} cannot be written: {error.strerror}.") from error


def _cells(config: BenchConfig, device: torch.device, console: Console) -> Iterator[_Found]:
    """A table for each cell, as it is measured; several of Sinkhorn's."""
    for what in config.what:
        if what == "sinkhorn":
            for n in config.n:
                yield from _waiting(console, f"{what}, N = {n:,} …", sinkhorn.rows(config, n, device))
        elif what == "step":
            with console.status(f"{what} …"):
                steps = cell.training_step(config)
            yield steps
        else:
            yield from _operator(config, what, device, console)


def _operator(config: BenchConfig, what: str, device: torch.device, console: Console) -> Iterator[list[Row]]:
    """A table for each number of points and dimensions."""
    before: list[Row] = []
    for n in config.n:
        for d in config.d:
            with console.status(f"{what}, N = {n:,}, d = {d} …"):
                found = cell.measured(config, what, n, d, device, cell.too_long(config, before, n, d))
            before += found
            yield found


def _waiting(console: Console, message: str, found: Iterator[list[sinkhorn.Row]]) -> Iterator[list[sinkhorn.Row]]:
    """Each table as it is measured."""
    while True:
        with console.status(message):
            table = next(found, None)
        if table is None:
            return
        yield table


def _warning(found: _Found, device: torch.device) -> str | None:
    """One line where the machine was busy; on a device the calling thread may rightly wait, and there is none."""
    if device.type != "cpu":
        return None
    warning = Load.now(statistics.mean(row.timing.processor_share for row in found)).warning()
    return warning and f"warning: {warning}"


def _keep(path: Path, rows: list[Row | sinkhorn.Row], page: list[str]) -> None:
    """A long bench that is stopped keeps these."""
    write_json(path / "bench.json", [row.told() for row in rows])
    with whole(path / "bench.md") as beside:
        beside.write_text("\n".join(page), encoding="utf-8")
