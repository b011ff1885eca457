"""Several commands as parts of one reproduction: which are finished, and how the others run in parallel.

A part is finished where its folder holds a summary (written last) that the same version made with the same settings.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from drift_cli import __version__
from drift_cli import command as commands
from drift_cli.config import load
from drift_cli.errors import UserError
from drift_cli.files import locked, read_json, whole, write_json
from drift_cli.report.experiments import Experiment
from drift_cli.runs import workers
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.runs.folder import RunFolder
from drift_cli.runs.progress import Progress
from drift_cli.shell.compose import settings
from drift_cli.shell.words import quoted

FINISHED, OTHER, UNFINISHED, NOT_STARTED = "finished", "made with other settings", "not finished", "not run"
_NOT_MATHEMATICS = ("jobs", "executor", "threads", "resume")  # a difference here does not make another result
_PATIENCE = 15.0  # seconds for the parts of a run that was killed to notice
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Part:
    """One experiment at one size, and its folder."""

    experiment: Experiment
    size: str
    path: Path

    @property
    def name(self) -> str:
        return self.experiment.name

    @property
    def log(self) -> Path:
        return self.path.parent / "logs" / f"{self.name}.log"

    @property
    def workers(self) -> bool:
        """Whether it makes runs, several at a time."""
        return self.size in self.experiment.workers

    def words(self, cores: int, executor: ExecutorConfig | None = None) -> list[str]:
        """Its command line; the runs of a part that makes any go to the queue, if there is one."""
        queue = executor.words() if executor else []
        jobs = (queue or [f"jobs={cores}"]) if self.workers else []
        command = [self.experiment.command, *self.experiment.settings[self.size], *jobs]
        return [*command, f"hydra.run.dir={quoted(str(self.path))}"]

    def state(self) -> str:
        """FINISHED, OTHER, UNFINISHED or NOT_STARTED, from what the folder holds."""
        folder = RunFolder(self.path)
        if not folder.is_finished:
            return UNFINISHED if folder.is_run or self.log.is_file() else NOT_STARTED
        try:
            kept = self._kept(folder)
            version = read_json(folder.provenance).get("drift")
        except Exception:  # a folder that cannot be read is made again
            return UNFINISHED
        return FINISHED if self._is_asked(kept) and version == __version__ else OTHER

    def _kept(self, folder: RunFolder) -> dict[Any, Any]:
        """The settings that the folder was made with; one that came later has the default that it was made with."""
        schema = OmegaConf.structured(commands.find(self.experiment.command).schema())
        later = {key: schema[key] for key in schema if not OmegaConf.is_missing(schema, key)}
        kept = OmegaConf.to_container(OmegaConf.merge(later, OmegaConf.load(folder.config)))
        assert isinstance(kept, dict)
        return kept

    def _is_asked(self, kept: Any) -> bool:
        return isinstance(kept, dict) and _mathematics(kept) == _mathematics(asked(self.experiment, self.size))

    def clear(self) -> None:
        """Make room for a new start: until its end there is no summary, and no sign of a run with other settings.

        What is finished within the part stays; each piece knows the settings that it was made with.
        """
        folder = RunFolder(self.path)
        folder.summary.unlink(missing_ok=True)
        try:
            load(
                folder.config, commands.find(self.experiment.command).schema()
            )  # as the command will; it may know other settings now
            same = self._is_asked(self._kept(folder))
        except Exception:  # there is none, or none that can be read
            same = False
        if not same:
            folder.provenance.unlink(missing_ok=True)
            folder.config.unlink(missing_ok=True)

    @property
    def runs(self) -> list[Path]:
        """The finished runs within a part whose runs are worth keeping, each a file."""
        return sorted((self.path / "runs").glob("*.json")) if self.size in self.experiment.records else []

    def take_over(self, records: Path) -> int:
        """Copy the runs that `records` holds and this part has not; how many. Each knows what it was asked for."""
        into, found = self.path / "runs", sorted((records / self.name / "runs").glob("*.json"))
        new = [place for place in found if not (into / place.name).is_file()]
        for place in new:
            into.mkdir(parents=True, exist_ok=True)
            with whole(into / place.name) as beside:
                shutil.copyfile(place, beside)
        return len(new)

    def commit(self) -> str | None:
        """The commit that a finished part was made by."""
        return read_json(RunFolder(self.path).provenance).get("git_commit")

    def last_words(self) -> str:
        """The last line that the part said."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n") if self.log.is_file() else []
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:300] if said else ""

    def progress(self) -> Progress:
        """How far it is."""
        return Progress.read(self.path) or Progress(0, 1, "starting")


def asked(experiment: Experiment, size: str) -> dict[str, Any]:
    """The settings that the command would run with, resolved and checked. Raises `UserError` for impossible ones."""
    try:
        config = settings(commands.find(experiment.command), list(experiment.settings[size]))
    except UserError as error:
        raise UserError(f"Part {experiment.name}: {error}") from error
    written = OmegaConf.create(OmegaConf.to_yaml(OmegaConf.structured(config), resolve=True))  # as a run keeps it
    plain = OmegaConf.to_container(written)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _mathematics(settings: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in settings.items() if key not in _NOT_MATHEMATICS}


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """One reproduction at a time in a folder; the lock's descriptor, which the parts hold too as long as they live."""
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE
    while True:
        with locked(folder / ".lock") as held:
            if held is not None:
                yield held
                return
        if time.monotonic() > deadline:
            raise UserError(f"Another reproduction is running in {folder}: wait for it, or stop it.")
        time.sleep(0.1)


@dataclass
class Times:
    """What each part took, over all the times that it was started, and how it ended: kept in times.json."""

    path: Path
    cores: int = 0
    wall: float = 0.0
    parts: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Times:
        path = folder / "times.json"
        try:
            kept = read_json(path)
            return cls(path, kept["cores"], kept["wall_seconds"], kept["parts"])
        except (UserError, KeyError, TypeError):
            return cls(path)

    def add(self, seconds: float, running: list[str]) -> None:
        self.wall += seconds
        for name in running:
            self.parts.setdefault(name, {"seconds": 0.0})["seconds"] += seconds
        self.write()

    def write(self) -> None:
        write_json(self.path, {"cores": self.cores, "wall_seconds": self.wall, "parts": self.parts})


@dataclass(eq=False)
class Running:
    part: Part
    process: subprocess.Popen
    log: TextIOWrapper

    def done(self) -> bool:
        return self.process.poll() is not None

    def result(self) -> int:
        return self.process.returncode


Tell = Callable[[str, Part, list[Running]], None]


@dataclass
class Commands:
    """A pool (`runs/workers.py`) whose tasks are parts, each a separate command; none survives it.

    `tell` is called with "started", "ended" and, every fifth of a second, "waiting".
    """

    cores: int
    executor: ExecutorConfig
    lock: int
    times: Times
    tell: Tell
    looks: float = 0.2
    running: list[Running] = field(default_factory=list)
    before: float = field(default_factory=time.monotonic)

    def submit(self, task: Callable[[], Part]) -> Running:
        self.running.append(_start(task(), self.cores, self.executor, self.lock))
        self.tell("started", self.running[-1].part, self.running)
        return self.running[-1]

    def answer(self, handle: Running) -> tuple[int, None]:
        self._pass()
        self.running.remove(handle)
        handle.log.close()
        self.times.parts[handle.part.name]["status"] = handle.process.returncode
        self.times.write()
        self.tell("ended", handle.part, self.running)
        return handle.process.returncode, None

    def wait(self) -> None:
        if time.monotonic() - self.before > 2:
            self._pass()
        self.tell("waiting", self.running[0].part, self.running)

    def close(self) -> None:
        for each in self.running:
            each.process.stdin.close()  # type: ignore[union-attr]
        for each in self.running:
            _end(each)

    def _pass(self) -> None:
        now = time.monotonic()
        self.times.add(now - self.before, [each.part.name for each in self.running])
        self.before = now


def carry_out(
    parts: list[Part], cores: int, executor: ExecutorConfig, lock: int, times: Times, tell: Tell
) -> dict[str, int]:
    """Run the parts, as many at a time as there are cores, and return the exit status of each."""
    pool = Commands(cores, executor, lock, times, tell)
    tasks = [partial(_itself, part) for part in parts]
    return {parts[at].name: status for at, status in workers.each_done(tasks, cores, pool, pool.wait)}


def _itself(part: Part) -> Part:
    return part


def _start(part: Part, cores: int, executor: ExecutorConfig, lock: int) -> Running:
    """Start a part with one thread; its standard input stays open as long as this process lives."""
    part.clear()
    part.log.parent.mkdir(parents=True, exist_ok=True)
    log = part.log.open("w", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "drift_cli.shell.attached", *part.words(cores, executor)],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=os.environ | dict.fromkeys(_ONE_THREAD, "1") | {"PYTHONIOENCODING": "utf-8"},
        pass_fds=(lock,),
    )
    return Running(part, process, log)


def _end(running: Running) -> None:
    """The part ends as its standard input did; what it has finished stands in its files."""
    try:
        running.process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    running.log.close()
