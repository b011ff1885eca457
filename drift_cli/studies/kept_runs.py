"""Runs that a study keeps: finished ones are read from its folder, the others are trained, several at a time. Several
machines can share one folder: each run is assigned to one of them, by a lock that ends with its holder.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
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
    """What one run of a study differs in from the others; hashable."""

    @property
    def name(self) -> str:
        """What the run's file is called, without its ending."""
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


Run = TypeVar("Run", bound=Named)


class Working(Protocol):
    """What `finished_runs` asks of a study's settings."""

    jobs: int | None
    executor: ExecutorConfig


def finished_runs(
    config: Working, s: Study, plan: Mapping[Run, Job], told: Callable[[Run], str] | None = None, device: str = "cpu"
) -> dict[Run, dict[str, Any]]:
    """The runs in the order of the plan, whichever was done first; each is a part of the study's progress.

    `told`: what the progress says of a run, else its name. `device`: that of the runs, as in the settings.
    """
    found = {}
    at_once = at_once_on(device, config.jobs, config.executor)
    for run, kept in each(plan, s.path / "runs", at_once, config.executor):
        found[run] = kept
        s.done(told(run) if told else run.name.replace("_", " "))
    return {run: found[run] for run in plan}


def at_once_on(device: str, jobs: int | None, executor: ExecutorConfig | None = None) -> int:
    """A run at a time on a GPU of this machine, which they would only share; else one per core, unless given."""
    executor = executor or ExecutorConfig()
    if executor.name != SLURM and devices.resolve(device).type != "cpu":
        return 1
    return executor.at_once(jobs)


def each(
    plan: Mapping[Run, Job], folder: Path, at_once: int, executor: ExecutorConfig | None = None
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Every run of the plan as it is done, with what it found and what was `asked` of it.

    It is read from `folder` where it stands with the same settings, else made, at most `at_once` at a time. A run that
    another machine is working on is waited for. What a killed process left half written is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_partial(folder)
    waiting = {run: (job, folder / f"{run.name}.json") for run, job in plan.items()}
    executor, looked = executor or ExecutorConfig(), False
    while waiting:
        for run, (job, place) in list(waiting.items()):
            if (kept := _kept(job, place)) is not None:
                del waiting[run]
                yield run, _found(kept)
        if looked and waiting:
            time.sleep(_LOOKS)
        looked = True
        for run, kept in _worked_off(waiting, folder, at_once, executor):
            if kept is not None:
                del waiting[run]
                yield run, _found(kept)


def _worked_off(
    waiting: Mapping[Run, tuple[Job, Path]], folder: Path, at_once: int, executor: ExecutorConfig
) -> Iterator[tuple[Run, dict[str, Any] | None]]:
    """Each run as it is made here; None of one that another machine has in hand."""
    runs, tasks = list(waiting), [partial(_carry_out, job, place) for job, place in waiting.values()]
    at_once = min(at_once, len(tasks))
    if at_once <= 1 and executor.name == LOCAL:
        yield from ((run, task()) for run, task in zip(runs, tasks, strict=True))
        return
    try:
        for number, kept in workers.each_done(tasks, at_once, executor.pool(folder)):
            yield runs[number], kept
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
