"""What a step costs each of several processes: processor time, bytes received, and the deviation of the weights.

    python scripts/measure_processes.py [processes …]

It reports processor time, because processes that share cores wait for each other. docs/scale.md has the table.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext

import torch
import torch.distributed as dist

from drift_cli import command as commands
from drift_cli.ranks.group import ALONE, Ranks, joined
from drift_cli.shell import compose
from drift_cli.training import step as steps
from drift_cli.training.setup import assemble

COMPARED, TIMED, TURNS = 20, 10, 3
SHARED = ["device=cpu", "threads=1", "space=identity"]
WIDE = ["dataset=gaussian_mixture", "dataset.dimension=64", "kernel.bandwidth=1", "generator.widths=[256,256,256]"]
RUNS = {
    "2 numbers per point": [],
    "64 numbers": WIDE,
    "64, ring": [*WIDE, "distributed.exchange=ring"],
    "64, batch_normalized": [*WIDE, "drift=batch_normalized"],
    "64, batch_normalized, ring": [*WIDE, "drift=batch_normalized", "distributed.exchange=ring"],
    "digits by class": ["dataset=digits", "dataset.labels=true", "kernel.bandwidth=0.2", WIDE[-1]],
    "features of digits": ["dataset=digits", "drift=features", "drift.encoder=scattering", "batch_size=256"],
}


def measured(ranks: Ranks) -> dict[str, tuple[float, int, int, list[float]]]:
    """For each run: least processor seconds, bytes of points and bytes of sums per step, and the weights to compare."""
    found = {}
    for name, words in RUNS.items():
        setup = assemble(compose.settings(commands.find("train"), [*SHARED, *words]))
        setup.ranks = Ranks(ranks.rank, ranks.count, setup.config.distributed.exchange)
        advance = steps.build(setup)
        for step in range(COMPARED):
            advance(step)
        weights = torch.cat([weight.detach().flatten() for weight in setup.model.parameters()]).tolist()
        traffic, seconds = setup.ranks.traffic, []
        points, sums = traffic.points // COMPARED, traffic.sums // COMPARED
        for turn in range(TURNS):
            began = time.process_time()
            for step in range(TIMED):
                advance(COMPARED + turn * TIMED + step)
            seconds.append((time.process_time() - began) / TIMED)
        found[name] = min(seconds), points, sums, weights
    return found


def _process(rank: int, count: int, port: int) -> dict[str, tuple[float, int, int, list[float]]]:
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, count, is_master=False)
    group = joined(store, rank, count, torch.device("cpu"), "gather") if count > 1 else nullcontext(ALONE)
    with group as ranks:
        return measured(ranks)


def main(numbers: list[int]) -> None:
    alone: dict[str, tuple[float, int, int, list[float]]] = {}
    print(
        "| run | processes | processor time, ms per step, busiest process | relative to one process | points, kB | "
        "sums, kB | weights |"
    )
    print("|---|---|---|---|---|---|---|")
    for count in [1, *numbers]:
        store = dist.TCPStore("127.0.0.1", 0, count, is_master=True, wait_for_workers=False)
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
            every = [each.result() for each in [pool.submit(_process, k, count, store.port) for k in range(count)]]
        alone = alone or every[0]
        for name in RUNS:
            seconds = max(each[name][0] for each in every)
            _, points, sums, weights = every[0][name]
            ours, one = torch.tensor(weights), torch.tensor(alone[name][3])
            apart = float((ours - one).norm() / one.norm())
            print(
                f"| {name} | {count} | {1e3 * seconds:.1f} | {seconds / alone[name][0]:.2f} | {points / 1e3:,.0f} | "
                f"{sums / 1e3:,.0f} | {apart:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [2, 4])
