"""How far a command is, as a file of its run folder: for the process that started it; removed when it is finished."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from drift_cli.errors import UserError
from drift_cli.files import read_json, write_json

_FILE = "progress.json"


@dataclass(frozen=True)
class Progress:
    """`done` of `total` parts are done, and `doing` is being done or was done last."""

    done: int
    total: int
    doing: str

    @property
    def share(self) -> float:
        return self.done / max(self.total, 1)

    def next(self, doing: str) -> Progress:
        """One part further, but for the first, which begins; a total that proves too small grows."""
        done = self.done + (self.doing != "")
        return Progress(done, max(self.total, done + 1), doing)

    def over(self, parts: int) -> Progress:
        """`parts` further, which were done before."""
        return replace(self, done=self.done + parts)

    def write(self, folder: Path) -> None:
        write_json(folder / _FILE, asdict(self))

    def remove(self, folder: Path) -> None:
        (folder / _FILE).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What the folder says; None if there is none (yet)."""
        try:
            return cls(**read_json(folder / _FILE))
        except (UserError, TypeError):
            return None
