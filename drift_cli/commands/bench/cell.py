"""One cell of `drift bench`: the contestants of one operator or loss, at one number of points and dimensions."""

from __future__ import annotations

from functools import partial

import torch

from drift_cli.commands.bench import contestants, measure, memory
from drift_cli.commands.bench.race import Race
from drift_cli.commands.bench.references import error, references
from drift_cli.commands.bench.row import Row
from drift_cli.commands.bench.settings import BenchConfig
from drift_cli.commands.bench.step import steps
from drift_cli.fused import native

_NARROW = 0.1  # a bandwidth so small that float32 exponentials underflow, which is slow where they are let
FEW = 6  # dimensions up to which the loop takes differences of coordinates
_PRODUCTS, _ARITHMETIC = "products", "arithmetic"  # of no contestant: what the machine could do, in the same turns
_QUERIES = 20_000  # of the loop's bare arithmetic


def measured(config: BenchConfig, what: str, n: int, d: int, device: torch.device, sits_out: set[str]) -> list[Row]:
    """A row for each, standard normal points against standard normal data, n of both."""
    generator = torch.Generator(device).manual_seed(config.seed)
    x, data = (torch.randn(n, d, generator=generator, device=device) for _ in range(2))
    tau = _NARROW if what == "narrow" else config.tau or 0.3 * (d / 2) ** 0.5
    fits = 4 * n * n * (2 if what == "row_column" else 1) <= config.largest_array_gb * 1e9
    functions = {
        who: partial(contestant, x, data, tau)
        for who, contestant in contestants.installed(what).items()
        if (fits or who not in contestants.BUILDS_AN_ARRAY) and who not in sits_out
    }
    limits: dict[str, partial] = {}
    if what == "mean_shift" and d > FEW:
        limits[_PRODUCTS] = partial(contestants.products, x, data)
    elif what == "mean_shift" and d == 2 and device.type == "cpu" and native.library():
        limits[_ARITHMETIC] = partial(native.arithmetic_alone, _QUERIES)
    race = measure.race({**functions, **limits}, config.seconds)
    right = references(what, x, data, tau)
    rows = []
    for who, function in functions.items():
        peak = memory.peak(function)
        share = _share_of_limit(race, who, n, set(limits))
        rows.append(Row(what, who, n, d, race.timing(who), peak.mb, error(peak.returned, right.get(who)), share))
    return rows


def training_step(config: BenchConfig) -> list[Row]:
    """A row for each training step."""
    functions, n = steps(config), config.batch_size
    race = measure.race(functions, config.seconds)
    return [Row("step", who, n, 2, race.timing(who), memory.peak(function).mb) for who, function in functions.items()]


def too_long(config: BenchConfig, before: list[Row], n: int, d: int) -> set[str]:
    """Who would take too long here, judged by their largest cell of this dimension so far: time grows as N².

    Nobody whom the others are compared with, whose row is the first of a cell.
    """
    before = [row for row in before if row.d == d]
    if not before:
        return set()
    largest = {row.who: row for row in sorted(before, key=lambda row: row.n)}
    last = max(row.n for row in before)
    slow = {who for who, row in largest.items() if row.timing.ms / 1e3 * (n / row.n) ** 2 > config.longest}
    gone = {who for who in contestants.installed(before[0].what) if who not in largest or largest[who].n < last}
    return (slow | gone) - {before[0].who}


def pairs_limit() -> float:
    """Pairs per second that this machine's arithmetic allows: see `arithmetic` in fused/csrc/kernel_mean.hpp."""
    ms = measure.typical_ms(partial(native.arithmetic_alone, _QUERIES), 0.5)
    return native.arithmetic_alone(_QUERIES) / (ms / 1e3)


def _share_of_limit(race: Race, who: str, n: int, limits: set[str]) -> float | None:
    """How much of the machine's limit one reaches, from turns that measured both; above 1 it is faster."""
    if _PRODUCTS in limits:
        return 1 / race.ratio(who, _PRODUCTS).median
    if _ARITHMETIC in limits:
        return 2 * n * n / native.arithmetic_alone(_QUERIES) / race.ratio(who, _ARITHMETIC).median
    return None
