"""`drift bench`: the drift's speed here, beside naive torch, the peers that are installed, and the machine's limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from drift_cli.bench import contestants, measure, sinkhorn
from drift_cli.bench.step import steps
from drift_cli.config.commands import BenchConfig
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.figures import bench as figure
from drift_cli.fused import native
from drift_cli.runs import provenance
from drift_cli.runs.files import write_json
from drift_cli.training import device as devices

_CHECKED_ROWS = 256  # queries whose drift is compared with float64
_NARROW = 0.1  # a bandwidth so small that float32 exponentials underflow, which is slow where they are let
_FEW = 6  # dimensions up to which the loop takes differences of coordinates
_PRODUCTS = "products"
_LARGEST_REFERENCE = 4096  # points up to which the row-and-column operator has a float64 reference


@dataclass(frozen=True)
class Row:
    """One contestant in one cell. `peak_mb` is above the start; `rel_err` against float64; `limit` the share of it."""

    what: str
    who: str
    n: int
    d: int
    ms: float
    peak_mb: float
    pairs_per_s: float
    rel_err: float | None
    limit: float | None


def run(config: BenchConfig, path: Path) -> list[Row | sinkhorn.Row]:
    """Measure every cell and print it; bench.json in the run folder grows with them, and a figure ends it."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    device = devices.resolve(config.device)
    console = make_console()
    rows: list[Row | sinkhorn.Row] = []
    origin = provenance.at_start("bench", config.seed, device)
    limit = pairs_limit() if device.type == "cpu" and native.library() else None
    if limit:
        console.print(f"limit at d = 2: {limit:.3g} pairs/s, the loop's bare arithmetic without memory traffic")
    if any(d > _FEW for d in config.d):
        console.print(f"limit above d = {_FEW}: the four matrix products alone, by blocks of rows")
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_json(path / "provenance.json", origin | {"limit_pairs_per_s": limit})
    except OSError as error:
        raise UserError(f"The output folder {path} cannot be written: {error.strerror}.") from error
    for what in config.what:
        cells = [(config.batch_size, 2)] if what == "step" else [(n, d) for n in config.n for d in config.d]
        if what == "sinkhorn":
            for n in config.n:
                for table in _waiting(console, f"{what}, N = {n:,} …", sinkhorn.rows(config, n, device)):
                    _show_sinkhorn(console, table)
                    rows += table
                    write_json(path / "bench.json", [asdict(row) for row in rows])
            continue
        for n, d in cells:
            with console.status(f"{what}, N = {n:,}, d = {d} …"):
                if what == "step":
                    found = _step_cell(config)
                else:
                    sits_out = _too_long(config, [row for row in rows if isinstance(row, Row)], what, n, d)
                    found = _cell(config, what, n, d, device, limit, sits_out)
            _show(console, found)
            rows += found
            write_json(path / "bench.json", [asdict(row) for row in rows])  # a long bench that is stopped keeps these
    console.print(f"{path / 'bench.json'}", highlight=False, soft_wrap=True)
    drawn = [asdict(row) for row in rows if isinstance(row, Row) and row.what != "step"]
    if len({row["n"] for row in drawn}) > 1:
        console.print(f"{figure.draw(drawn, path / 'figures')}", highlight=False, soft_wrap=True)
    return rows


def pairs_limit() -> float:
    """Pairs per second that this machine's arithmetic allows: see `arithmetic` in fused/csrc/kernel_mean.hpp."""
    pairs = native.arithmetic_alone(20_000)
    ms = measure.median_ms({"limit": partial(native.arithmetic_alone, 20_000)}, 0.5)["limit"]
    return pairs / (ms / 1e3)


def _too_long(config: BenchConfig, rows: list[Row], what: str, n: int, d: int) -> set[str]:
    """Who would take too long here, judged by their largest cell of this dimension so far: time grows as N²."""
    before = [row for row in rows if (row.what, row.d) == (what, d)]
    largest = {row.who: row for row in sorted(before, key=lambda row: row.n)}
    gone = set(contestants.installed(what)) - {row.who for row in before if row.n == max(r.n for r in before)}
    slow = {who for who, row in largest.items() if row.ms / 1e3 * (n / row.n) ** 2 > config.longest}
    return (slow | gone if before else set()) - {"ours"}


def _cell(
    config: BenchConfig, what: str, n: int, d: int, device: torch.device, limit: float | None, sits_out: set[str]
) -> list[Row]:
    generator = torch.Generator(device).manual_seed(config.seed)
    x, data = (torch.randn(n, d, generator=generator, device=device) for _ in range(2))
    tau = _NARROW if what == "narrow" else config.tau or 0.3 * (d / 2) ** 0.5
    fits = 4 * n * n * (2 if what == "row_column" else 1) <= config.largest_array_gb * 1e9
    functions = {
        who: partial(contestant, x, data, tau)
        for who, contestant in contestants.installed(what).items()
        if (fits or who not in contestants.BUILDS_AN_ARRAY) and who not in sits_out
    }
    reference = _reference(what, x, data, tau)
    bare = {_PRODUCTS: partial(contestants.products, x, data)} if what == "mean_shift" and d > _FEW else {}
    times = measure.median_ms({**functions, **bare}, config.seconds)
    rows = []
    for who, function in functions.items():
        pairs = 2 * n * n / (times[who] / 1e3)
        error = None if (what, who) in contestants.ANOTHER_FIELD else _error(function(), reference)
        share = pairs / limit if limit and (what, d) == ("mean_shift", 2) else None
        share = times[_PRODUCTS] / times[who] if bare else share
        rows.append(Row(what, who, n, d, times[who], measure.peak_mb(function), pairs, error, share))
    return rows


def _reference(what: str, x: Tensor, data: Tensor, tau: float) -> Tensor | None:
    """The drift of the first rows in float64, by the dense formula."""
    if what != "row_column":
        some, x, data = x[:_CHECKED_ROWS].double(), x.double(), data.double()

        def mean(points: Tensor) -> Tensor:
            distances = torch.cdist(some, points, compute_mode="donot_use_mm_for_euclid_dist")
            return torch.softmax(-distances / tau, dim=1) @ points

        return mean(data) - mean(x)
    if len(x) > _LARGEST_REFERENCE:
        return None
    return contestants.official(x.double(), data.double(), tau)[:_CHECKED_ROWS]


def _error(found: Tensor, reference: Tensor | None) -> float | None:
    """Relative error over the rows that have a reference."""
    if reference is None:
        return None
    return float((found[: len(reference)].double() - reference).norm() / reference.norm())


def _step_cell(config: BenchConfig) -> list[Row]:
    functions = steps(config)
    times = measure.median_ms(functions, config.seconds)
    n = config.batch_size
    return [
        Row("step", who, n, 2, times[who], measure.peak_mb(function), 2 * n * n / (times[who] / 1e3), None, None)
        for who, function in functions.items()
    ]


def _waiting(console: Console, message: str, tables: Iterator[list[sinkhorn.Row]]) -> Iterator[list[sinkhorn.Row]]:
    """Each table as it is measured."""
    while True:
        with console.status(message):
            table = next(tables, None)
        if table is None:
            return
        yield table


def _show_sinkhorn(console: Console, rows: list[sinkhorn.Row]) -> None:
    ours = next(row for row in rows if row.who == "ours")
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f"{ours.what}, N = {ours.n:,}, d = {ours.d}"
    for heading in ("who", "setting", "ms", "× ours", "peak MB", "marginal error", "drift error"):
        table.add_column(heading, justify="left" if heading in ("who", "setting") else "right")
    for row in rows:
        errors = ("–" if error is None else f"{error:.1e}" for error in (row.marginal_error, row.drift_error))
        setting = row.setting if row.reached else f"{row.setting} (not as exact)"
        table.add_row(row.who, setting, f"{row.ms:.2f}", f"{row.ms / ours.ms:.1f}", f"{row.peak_mb:.0f}", *errors)
    console.print(table)


def _show(console: Console, rows: list[Row]) -> None:
    ours = next(row for row in rows if row.who == "ours")
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.title = f"{ours.what}, N = {ours.n:,}, d = {ours.d}"
    for heading in ("who", "ms", "× ours", "peak MB", "pairs/s", "rel. error", "of the limit"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    for row in rows:
        error = "–" if row.rel_err is None else f"{row.rel_err:.1e}"
        share = "–" if row.limit is None else f"{row.limit:.0%}"
        cells = (f"{row.ms:.2f}", f"{row.ms / ours.ms:.1f}", f"{row.peak_mb:.0f}", f"{row.pairs_per_s:.2g}")
        table.add_row(row.who, *cells, error, share)
    console.print(table)
