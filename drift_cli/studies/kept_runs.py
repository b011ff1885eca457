"""Runs that a study keeps: finished ones are read from its folder, the others are trained, several at a time. Several
machines can share one folder: each run is assigned to one of them, by a lock that ends with its holder.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from drift_cli.files import locked, partial_files, read_object, write_json
from drift_cli.runs import provenance, workers
from drift_cli.runs.executor import LOCAL, SLURM, ExecutorConfig
from drift_cli.studies.study import Study
from drift_cli.training import device as devices

_LOOKS = 1.0  # seconds between looks at what others have in hand


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

        `unfinished` is a folder for where it stands meanwhile: a long run that is killed resumes from there.
        """
        ...


Case = TypeVar("Case", bound=Named)


def at_once_on(device: str, jobs: int | None, executor: ExecutorConfig | None = None) -> int:
    """A run at a time on a GPU of this machine, which they would only share; else one per core, unless given."""
    executor = executor or ExecutorConfig()
    if executor.name != SLURM and devices.resolve(device).type != "cpu":
        return 1
    return executor.at_once(jobs)


def each(
    plan: Mapping[Case, Job], folder: Path, at_once: int, executor: ExecutorConfig | None = None
) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Every run of the plan as it is done: read from `folder` where it stands with the same settings, else made.

    It waits for a run that another machine is working on. What a killed process left half written is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_partial(folder)
    waiting = {case: (job, folder / f"{case.name}.json") for case, job in plan.items()}
    executor, looked = executor or ExecutorConfig(), False
    while waiting:
        for case, (job, place) in list(waiting.items()):
            if (kept := _kept(job, place)) is not None:
                del waiting[case]
                yield case, _found(kept)
        if looked and waiting:
            time.sleep(_LOOKS)
        looked = True
        for case, kept in _made(waiting, folder, at_once, executor):
            if kept is not None:
                del waiting[case]
                yield case, _found(kept)


class Working(Protocol):
    """What `made` asks of a study's settings."""

    @property
    def jobs(self) -> int | None: ...

    @property
    def executor(self) -> ExecutorConfig: ...


def made(config: Working, s: Study, jobs: Mapping[Case, Job]) -> dict[Case, dict[str, Any]]:
    """The runs in the order of the jobs, whichever was done first; each is a part of the study's progress."""
    found = {}
    for case, kept in each(jobs, s.path / "runs", config.executor.at_once(config.jobs), config.executor):
        found[case] = kept
        s.part(case.name.replace("_", " "))
    return {case: found[case] for case in jobs}


def best_by(outcome: str, tried: Mapping[float, Mapping[str, Any]]) -> float:
    """The factor with the least of this outcome; what is not finite is the worst."""
    return min(tried, key=lambda factor: tried[factor][outcome] if math.isfinite(tried[factor][outcome]) else math.inf)


def _made(
    waiting: Mapping[Case, tuple[Job, Path]], folder: Path, at_once: int, executor: ExecutorConfig
) -> Iterator[tuple[Case, dict[str, Any] | None]]:
    """Each run as it is made here; None of one that another machine has in hand."""
    cases, tasks = list(waiting), [partial(_carry_out, job, place) for job, place in waiting.values()]
    at_once = min(at_once, len(tasks))
    if at_once <= 1 and executor.name == LOCAL:
        yield from ((case, task()) for case, task in zip(cases, tasks, strict=True))
        return
    try:
        for number, kept in workers.each_done(tasks, at_once, executor.pool(folder)):
            yield cases[number], kept
    finally:
        _remove_partial(folder)


def _kept(job: Job, place: Path) -> dict[str, Any] | None:
    if not place.is_file():
        return None
    kept = read_object(place)
    return kept if kept.get("asked") == job.asked() else None


def _lock_of(place: Path) -> Path:
    place.parent.joinpath(".locks").mkdir(exist_ok=True)
    return place.parent / ".locks" / place.stem


def _remove_partial(folder: Path) -> None:
    """Remove what is half written of the runs that nobody has in hand."""
    for left in partial_files(folder):
        with locked(_lock_of(folder / left.name.split(".json")[0])) as held:
            if held is not None:
                left.unlink(missing_ok=True)


def _found(kept: dict[str, Any]) -> dict[str, Any]:
    """What was found and asked, without what it was made with."""
    return {key: value for key, value in kept.items() if key != "origin"}


def _carry_out(job: Job, place: Path) -> dict[str, Any] | None:
    """Make the run and write what was found, and what it was made with; None where another has it in hand."""
    with locked(_lock_of(place)) as held:
        if held is None:
            return None
        if (kept := _kept(job, place)) is not None:  # another was faster
            return kept
        began, unfinished = time.perf_counter(), place.with_suffix(".unfinished")
        kept = {"asked": job.asked(), **job.made(unfinished)}
        kept["origin"] = provenance.of_a_run(time.perf_counter() - began)
        write_json(place, kept)
        shutil.rmtree(unfinished, ignore_errors=True)
        return kept
