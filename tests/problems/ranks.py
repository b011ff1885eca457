"""Processes of a group that a test asks something of."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
import torch.distributed as dist

from drift_cli.ranks.group import Ranks, joined


def on_ranks(count: int, ask: Callable[..., Any], *arguments: Any, exchange: str = "gather") -> list[Any]:
    """What `ask(ranks, *arguments)` returns in each of `count` processes; plain data and numpy arrays."""
    store = dist.TCPStore("127.0.0.1", 0, count, is_master=True, wait_for_workers=False)
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as processes:
        asked = [processes.submit(_answer, store.port, rank, count, exchange, ask, *arguments) for rank in range(count)]
        return [each.result(timeout=900) for each in asked]


def _answer(port: int, rank: int, count: int, exchange: str, ask: Callable[..., Any], *arguments: Any) -> Any:
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, count, is_master=False)
    with joined(store, rank, count, torch.device("cpu"), exchange) as ranks:
        return ask(ranks, *arguments)


def of_each_exchange(ranks: Ranks) -> dict[str, Ranks]:
    """The same processes with each of the exchanges, each with a traffic of its own."""
    return {exchange: Ranks(ranks.rank, ranks.count, exchange) for exchange in ("gather", "ring")}
