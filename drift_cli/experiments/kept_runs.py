"""Runs that a study keeps: finished ones are read from its folder, the others are made, several at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Protocol, TypeVar

from drift_cli.runs.files import read_json, write_json


class Named(Protocol):
    @property
    def name(self) -> str:
        """What the run's file is called."""
        ...


class Job(Protocol):
    """What makes a run. It goes to another process, so it is plain data."""

    def asked(self) -> dict[str, Any]:
        """What a kept result must have been made with, as plain numbers, lists and texts."""
        ...

    def made(self) -> dict[str, Any]:
        """Make the run; what was found, as plain numbers, lists and texts."""
        ...


Case = TypeVar("Case", bound=Named)


def each(plan: Mapping[Case, Job], folder: Path, at_once: int) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Every run of the plan as it is done: read from `folder` where it stands with the same settings, else made."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = {}
    for case, job in plan.items():
        place = folder / f"{case.name}.json"
        kept = read_json(place) if place.is_file() else {}
        if kept.get("asked") == job.asked():
            yield case, kept
        else:
            waiting[case] = (job, place)
    at_once = min(at_once, len(waiting))
    if at_once <= 1:
        for case, (job, place) in waiting.items():
            yield case, _carry_out(job, place)
        return
    # Spawned, as the threads of torch do not survive a fork. What a worker finished stands in its file, come what may.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(at_once, context, initializer=_live_and_die_with_the_parent)
    try:
        futures = {executor.submit(_carry_out, job, place): case for case, (job, place) in waiting.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
        executor.shutdown()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()


def _live_and_die_with_the_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it even where it was killed and could not say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _carry_out(job: Job, place: Path) -> dict[str, Any]:
    """Make the run and write what was found."""
    kept = {"asked": job.asked(), **job.made()}
    write_json(place, kept)
    return kept
