"""The jobs of a sweep as files of its folder: what each of them is, where it stands and how it ended.

A job writes its own record, on whichever machine it runs, and the starter reads them all: `jobs/<number>.json`, with
the job's output next to it, `jobs/<number>.log`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError
from drift_cli.files import read_json, write_json

RUNNING, DONE, KEPT, FAILED, REFUSED, STOPPED = "running", "done", "kept", "failed", "refused", "stopped"
LACKING = (RUNNING, FAILED, REFUSED)  # of a sweep that has ended: what has no result, as nothing runs any more


@dataclass(frozen=True)
class Job:
    """Job `number` of a sweep. `asked`: the settings that decide its result; `value`: what it returned."""

    number: int
    words: list[str]
    folder: str = ""
    status: str = RUNNING
    reason: str = ""
    value: float | None = None
    began: float = 0.0
    ended: float = 0.0
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return max(self.ended - self.began, 0.0)


@dataclass(frozen=True)
class Jobs:
    """The records of the sweep in `sweep`."""

    sweep: Path

    @property
    def path(self) -> Path:
        return self.sweep / "jobs"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    def log(self, number: int) -> Path:
        return self.path / f"{number}.log"

    def record(self, number: int) -> Path:
        return self.path / f"{number}.json"

    def write(self, job: Job) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.record(job.number), asdict(job))

    def read(self, number: int) -> Job | None:
        """None if there is no such record, or none that can be read."""
        try:
            return Job(**read_json(self.record(number)))
        except (UserError, TypeError):
            return None

    def all(self) -> list[Job]:
        """Every job that has begun, in the order of their numbers."""
        numbers = sorted(int(place.stem) for place in self.path.glob("*.json") if place.stem.isdigit())
        return [job for number in numbers if (job := self.read(number)) is not None]

    def last_words(self, number: int) -> str:
        """The last line that the job said."""
        try:
            with self.log(number).open("rb") as log:
                log.seek(max(log.seek(0, 2) - 4096, 0))
                said = log.read().decode("utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(said) if line.strip()), "")

    def forget(self, number: int) -> None:
        self.record(number).unlink(missing_ok=True)
        self.log(number).unlink(missing_ok=True)
