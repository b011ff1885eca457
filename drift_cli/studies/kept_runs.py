"""Runs that a study keeps: finished ones are read from its folder, the others are made, several at a time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from drift_cli.files import read_object, remove_partial, write_json
from drift_cli.runs import provenance, workers
from drift_cli.runs.cores import usable
from drift_cli.training import device as devices


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

    def made(self, unfinished: Path) -> dict[str, Any]:
        """Make the run; what was found, as plain numbers, lists and texts.

        `unfinished` is a folder for where it stands meanwhile: a long run that is killed goes on from there.
        """
        ...


Case = TypeVar("Case", bound=Named)


def at_once_on(device: str, jobs: int | None) -> int:
    """A run at a time on a GPU, which they would only share; else one per core unless told otherwise."""
    if devices.resolve(device).type != "cpu":
        return 1
    return jobs or usable()


def each(plan: Mapping[Case, Job], folder: Path, at_once: int) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Every run of the plan as it is done: read from `folder` where it stands with the same settings, else made.

    The folder is ours alone meanwhile; what a killed process left half written in it is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_partial(folder)
    waiting = {}
    for case, job in plan.items():
        place = folder / f"{case.name}.json"
        kept = read_object(place) if place.is_file() else {}
        if kept.get("asked") == job.asked():
            yield case, _found(kept)
        else:
            waiting[case] = (job, place)
    at_once = min(at_once, len(waiting))
    if at_once <= 1:
        for case, (job, place) in waiting.items():
            yield case, _found(_carry_out(job, place))
        return
    cases, tasks = list(waiting), [partial(_carry_out, job, place) for job, place in waiting.values()]
    try:
        for number, kept in workers.each_done(tasks, at_once):
            yield cases[number], _found(kept)
    finally:
        remove_partial(folder)


def _found(kept: dict[str, Any]) -> dict[str, Any]:
    """What was found and asked, without what it was made with."""
    return {key: value for key, value in kept.items() if key != "origin"}


def _carry_out(job: Job, place: Path) -> dict[str, Any]:
    """Make the run and write what was found, and what it was made with."""
    began, unfinished = time.perf_counter(), place.with_suffix(".unfinished")
    kept = {"asked": job.asked(), **job.made(unfinished)}
    kept["origin"] = provenance.of_a_run(time.perf_counter() - began)
    write_json(place, kept)
    shutil.rmtree(unfinished, ignore_errors=True)
    return kept
