"""One job of a sweep, in whatever process and on whatever machine its launcher put it.

A launcher hands nothing back that the project could rely on: the outcome of a job is in its record (`runs/jobs.py`),
written here, and its output in its log.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from drift_cli import catalogue
from drift_cli.command import Command
from drift_cli.errors import RunFailed, UserError
from drift_cli.files import read_json
from drift_cli.loading import collecting_nothing
from drift_cli.runs import made_folders
from drift_cli.runs.asked import asked
from drift_cli.runs.folder import RunFolder
from drift_cli.runs.jobs import DONE, FAILED, KEPT, REFUSED, STOPPED, Job, Jobs
from drift_cli.shell import compose


@dataclass(frozen=True)
class Sweep:
    """What every job of a sweep receives: plain data, as it travels to other processes.

    `threads`: those that a job may take; None: what it likes. `is_search`: the sweeper receives each objective, and
    `worst` for a job without one.
    """

    command: Command
    words: list[str]
    starter: tuple[str, int]
    threads: int | None
    is_search: bool = False
    worst: float = math.inf

    @property
    def is_here(self) -> bool:
        """Whether this is the process that started the sweep."""
        return self.starter == (socket.gethostname(), os.getpid())


def carry_out(sweep: Sweep, composed: DictConfig, told: Callable[[Exception], Exception]) -> float | None:
    """Run the job that Hydra composed; its objective, for a sweeper. Its record says how it ended, and why."""
    catalogue.look_in(sweep.command.own)
    hydra = HydraConfig.get()
    jobs, words = Jobs(Path(hydra.sweep.dir)), list(hydra.overrides.task)
    folder = compose.as_seen_from_here(Path(hydra.runtime.output_dir))
    job = Job(int(hydra.job.num), words, str(folder), began=time.time())
    before = jobs.read(job.number)
    jobs.write(replace(job, asked=before.asked if before else {}))
    try:
        with _said_to(jobs.log(job.number), sweep):
            try:
                job = _result(sweep, job, before, compose.checked(sweep.command, composed, words), folder)
            except Exception as failure:
                failure = told(failure)
                if not isinstance(failure, UserError | RunFailed):
                    traceback.print_exception(failure)
                    failure = RunFailed(f"{type(failure).__name__}: {failure}")
                status = REFUSED if isinstance(failure, UserError) else FAILED
                job = replace(jobs.read(job.number) or job, status=status, reason=str(failure))
    except KeyboardInterrupt:
        jobs.write(replace(jobs.read(job.number) or job, status=STOPPED, ended=time.time()))
        if sweep.is_here:
            raise
        return sweep.worst
    finally:
        if not sweep.is_here:  # the starter does the same at the end
            made_folders.remove_empty()
            made_folders.forget()
    jobs.write(replace(job, ended=time.time()))
    return job.value if job.status in (DONE, KEPT) else sweep.worst


def _result(sweep: Sweep, job: Job, before: Job | None, settings: Any, folder: Path) -> Job:
    """Do what the job asks for; what an earlier sweep has done of it is kept, or gone on with."""
    wanted = asked(settings)
    run, kept = RunFolder(folder), before is not None and before.asked == wanted
    if kept and run.is_finished:
        return replace(job, asked=wanted, status=KEPT, value=_objective(sweep, settings, run))
    resumable = hasattr(settings, "resume")
    if resumable and not kept and any(folder.iterdir()):
        raise UserError(
            f"{folder} contains a run with other settings and is left unchanged: choose another hydra.sweep.dir=…."
        )
    Jobs(Path(HydraConfig.get().sweep.dir)).write(replace(job, asked=wanted))
    if resumable and run.is_run:
        settings = replace(settings, resume=str(folder))
    if not sweep.is_here and sweep.threads:
        import torch

        torch.set_num_threads(min(torch.get_num_threads(), sweep.threads))
    with collecting_nothing():
        work = sweep.command.run()
    work(settings, folder)
    return replace(job, asked=wanted, status=DONE, value=_objective(sweep, settings, run))


def _objective(sweep: Sweep, settings: Any, run: RunFolder) -> float | None:
    """The number of the summary that the settings name. Raises `RunFailed` where a search lacks it."""
    key = getattr(settings, "objective", None)
    if key is None or not run.is_finished:
        return None
    summary = read_json(run.summary)
    if isinstance(value := summary.get(key), int | float):
        return float(value)
    if not sweep.is_search:
        return None
    numbers = [name for name, entry in summary.items() if isinstance(entry, int | float)]
    raise RunFailed(f"objective={key} is not a number in {run.summary}, which has {', '.join(numbers)}.")


@contextmanager
def _said_to(log: Path, sweep: Sweep) -> Iterator[None]:
    """What is printed goes to the log; a command that has no run folder prints, and is seen. In a process of the
    sweep's own the words are the starter's, and it ends with the starter."""
    if not sweep.is_here:
        _end_with(sweep.starter)
        sys.argv = ["drift", *sweep.words]
    if getattr(sweep.command.schema(), "writes_to", None) is not None:
        yield
        return
    with log.open("a", encoding="utf-8", buffering=1) as file, redirect_stdout(file), redirect_stderr(file):
        yield


def _end_with(starter: tuple[str, int]) -> None:
    """A child of the starter ends with it, however that ends; one that a queue started goes on by itself."""
    if os.getppid() != starter[1] or any(thread.name == "drift-starter" for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == starter[1]:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="drift-starter", daemon=True).start()
