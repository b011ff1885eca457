"""The run folder: config.yaml, metrics.jsonl, summary.json, provenance.json, figures/, checkpoints/, samples/."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from drift_cli.errors import UserError
from drift_cli.files import locked, naming, read_json, refuse_links, remove_partial, whole
from drift_cli.runs import made_folders


@dataclass(frozen=True)
class RunFolder:
    """`listener` receives every logged row, once it is written."""

    path: Path
    listener: Callable[[dict[str, Any]], None] | None = field(default=None, compare=False)

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def provenance(self) -> Path:
        return self.path / "provenance.json"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def learned(self) -> Path:
        """Networks that were learned from the data before the training."""
        return self.path / "learned"

    @property
    def learned_beside(self) -> tuple[Path, ...]:
        """Those of the runs in the same folder."""
        found = self.path.absolute().parent.glob(f"*/{self.learned.name}")
        return tuple(sorted(place for place in found if place != self.learned.absolute()))

    @property
    def is_run(self) -> bool:
        return self.config.is_file()

    @property
    def is_finished(self) -> bool:
        """A run writes its summary last."""
        return self.summary.is_file()

    @property
    def command(self) -> str | None:
        """The command that made it, by its provenance; None where that does not say."""
        try:
            made_by = shlex.split(read_json(self.provenance)["command"])
        except (UserError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return made_by[1] if len(made_by) > 1 else None

    def option(self, group: str) -> str | None:
        """The object that the run was made with, `array` of the group `dataset`; None where its settings name none."""
        found = re.search(rf"^{group}:\n(?: .*\n)*?  name: ([\w.]+)$", self.config.read_text(encoding="utf-8"), re.M)
        return found[1] if found else None

    @classmethod
    def containing(cls, place: str | Path) -> Self:
        """The run folder that `place` is, or that the checkpoint `place` belongs to; `UserError` if none."""
        path = Path(place)
        if not path.exists():
            raise UserError(f"There is no folder {path}: name a run folder, e.g. outputs/train/<time>-<unique>.")
        for folder in (cls(path), cls(path.parent.parent)):
            if folder.is_run and (folder.path == path or path.parent.name == "checkpoints"):
                return folder
        runs = sorted(str(below.parent) for below in path.glob("*/config.yaml"))[:3] if path.is_dir() else []
        hint = f"  Runs in it: {', '.join(runs)}." if runs else ""
        raise UserError(f"{path} is not a run folder: it has no config.yaml.{hint or ' Name one that has.'}")

    @classmethod
    def start(cls, path: Path) -> Self:
        """A new run in `path`. Raises `UserError` where a run stands already or nothing can be written."""
        folder = cls(path)
        if folder.is_run:
            raise UserError(
                f"{path} already contains a run and is left unchanged: resume={path} continues it, another "
                "hydra.run.dir=… starts a new one."
            )
        try:
            for part in (path, folder.figures, folder.checkpoints):
                made_folders.note(part)
                part.mkdir(parents=True, exist_ok=True)
            probe = path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UserError(f"The output folder {path} cannot be written: {error.strerror}.") from error
        return folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time works in a folder, and in it alone; what a killed one left half written is removed.

        Raises `UserError` where another process works there, or where something in it is a symbolic link.
        """
        refuse_links(self.path)
        made_folders.note(self.path / ".lock")
        with locked(self.path / ".lock") as held:
            if held is None:
                raise UserError(f"Another process is training in {self.path}: wait for it, or stop it.")
            remove_partial(self.path, "**/*")
            yield

    def append_metrics(self, row: dict[str, Any]) -> None:
        with naming(self.metrics), self.metrics.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row, allow_nan=False) + "\n")
        if self.listener is not None:
            self.listener(row)

    def read_metrics(self) -> list[dict[str, Any]]:
        """The logged rows; a line truncated by a crash, or of another kind, is skipped."""
        rows = []
        if self.metrics.is_file():
            for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict) and type(row.get("step")) is int:
                    rows.append(row)
        return rows

    def rewind_metrics(self, step: int) -> None:
        """Forget what was logged after `step`: the resumed run logs it again."""
        kept = [row for row in self.read_metrics() if row["step"] <= step]
        with whole(self.metrics) as beside:
            beside.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
