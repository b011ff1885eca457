"""The run folder of a running study: progress, and at the end summary, tables, figures, provenance and verdicts."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table as Printed

from drift_cli import config as configs
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.figures.attempts import Drawing, each_drawn
from drift_cli.files import locked, read_object, refuse_links, remove_partial, whole, write_json
from drift_cli.report import claims
from drift_cli.report.claims import Judgement
from drift_cli.runs import provenance
from drift_cli.runs.folder import RunFolder
from drift_cli.runs.progress import Progress
from drift_cli.studies import numbers
from drift_cli.studies.numbers import Measured, Numbers, Table


@dataclass
class Study:
    """A study while it works, in its folder `path`. What it found is handed to `leave`, at the end or bit by bit."""

    path: Path
    console: Console
    bar: Bar
    progress: Progress
    summary: dict[str, float] = field(default_factory=dict)
    figures: list[Path] = field(default_factory=list)

    @property
    def drawings(self) -> Path:
        """The folder of the figures."""
        return self.path / "figures"

    def part(self, what: str) -> None:
        """Say what is being done now; each part is one step of the progress bar."""
        self.done(f"{what} …")

    def done(self, what: str) -> None:
        """The same of a part that is done."""
        self.progress = self.progress.next(what)
        self.progress.write(self.path)
        self.bar.update(self.bar.tasks[0].id, description=what, completed=self.progress.done)
        if self.bar.disable:
            told = f"{self.progress.done + 1}/{self.progress.total} {what}"
            self.console.print(told, highlight=False, soft_wrap=True)

    def leave(self, found: Measured, drawings: Iterable[Drawing] = ()) -> list[Path]:
        """Write the tables of what was found as data/*.csv; its numbers go into the summary. Then draw its figures.

        Returns the figures' paths; one that cannot be drawn costs a warning.
        """
        self.summary |= numbers.summary(found)
        for name, table in numbers.tables(found).items():
            self._write(name, table)
        drawn = list(each_drawn(drawings, self.warn).values())
        self.figures += drawn
        return drawn

    def warn(self, told: str) -> None:
        """Print one line as a warning; the study goes on."""
        self.console.print(f"warning: {told}", style="yellow", highlight=False, soft_wrap=True)

    def once(
        self, name: str, settings: Any, parts: int, measure: Callable[[], tuple[Measured, Iterable[Drawing]]]
    ) -> Numbers:
        """The numbers that `measure` finds in `parts` parts; those that the folder holds, if made with these settings.

        `measure` returns what is to be drawn of them as well.
        """
        place = self.path / "parts" / f"{name}.json"
        kept = read_object(place) if place.is_file() else {}
        if kept.get("settings") == settings and all((self.path / figure).is_file() for figure in kept["figures"]):
            self.progress = self.progress.over(parts)
            self.bar.update(self.bar.tasks[0].id, completed=self.progress.done)
            before = Numbers(kept["summary"])
            self.leave(before)
            self.figures += [self.path / figure for figure in kept["figures"]]
            return before
        found, drawings = measure()
        figures = self.leave(found, drawings)
        now = Numbers(numbers.summary(found))
        place.parent.mkdir(exist_ok=True)
        drawn = [str(figure.relative_to(self.path)) for figure in figures]
        write_json(place, {"settings": settings, "summary": now.numbers, "figures": drawn})
        return now

    def _write(self, name: str, table: Table) -> None:
        """Columns of equal length as data/<name>.csv, for others to draw again."""
        folder = self.path / "data"
        folder.mkdir(parents=True, exist_ok=True)
        rows = zip(*(np.asarray(column).tolist() for column in table.values()), strict=True)
        with whole(folder / f"{name}.csv") as beside, beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table)
            writer.writerows(rows)


def _refuse_another(config: Any, path: Path) -> None:
    """Raise `UserError` where `path` holds a study with other settings, which this one would write over.

    The same study may be running there on another machine: each works on the runs that the other does not.
    """
    place = path / "config.yaml"
    if not place.is_file():
        return
    anew = {key: getattr(config, key) for key in (*config.changeable, "resume")}
    if replace(configs.load(place, type(config)), **anew) != config:
        raise UserError(
            f"{path} contains a study with other settings and is left unchanged: resume={path} continues it, another "
            "hydra.run.dir=… starts a new one."
        )


@contextmanager
def study(command: str, config: Any, path: Path, seed: int, parts: int, *, resumable: bool = False) -> Iterator[Study]:
    """Open the run folder, show progress over `parts` parts, and write everything at the end.

    `resumable`: the command takes resume=, which is what a reader is told when the study is stopped, and executor=.
    Raises `UserError` where its executor is not installed, and where `path` holds another study or cannot be written.
    """
    refuse_links(path)
    if resumable:
        config.executor.check_installed()
        _refuse_another(config, path)
    console, began, folder = make_console(), time.perf_counter(), RunFolder(path)
    origin = provenance.at_start(command, seed, torch.device("cpu"))
    if resumable and folder.provenance.is_file():  # the first start stays what it was
        origin = provenance.resumed(folder.provenance, origin)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with locked(path / ".lock") as alone:
            if alone is not None:  # else it is another's, at work on the same study
                remove_partial(path, "**/*")
        configs.save(config, folder.config)
        write_json(folder.provenance, origin)
    except OSError as error:
        raise UserError(f"The output folder {path} cannot be written: {error.strerror}.") from error
    folder.summary.unlink(missing_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
    with locked(path / ".lock", shared=True), bars as bar:
        bar.add_task("", total=parts)
        opened = Study(path, console, bar, Progress(0, parts, ""))
        try:
            yield opened
        except KeyboardInterrupt:
            further = f"; to resume: drift {command} resume={path}" if resumable else " and has no summary.json"
            console.print(f"stopped: {path} is incomplete{further}", highlight=False, soft_wrap=True)
            raise
    seconds = time.perf_counter() - began
    write_json(folder.provenance, origin | provenance.at_end(torch.device("cpu"), seconds))
    write_json(folder.summary, opened.summary)
    opened.progress.remove(path)
    show(console, claims.judge(command, opened.summary))
    for place in [*opened.figures, folder.summary]:
        console.print(str(place), highlight=False, soft_wrap=True)


@contextmanager
def refused(failure: type[Exception], remedy: str = "") -> Iterator[None]:
    """Raise `UserError` for a failure that a setting is the reason of: what it says, with the remedy in one line."""
    try:
        yield
    except failure as error:
        raise UserError(f"{error}{remedy}.") from error


def show(console: Console, judgements: list[Judgement]) -> None:
    """Print the claims with the measured number, the criterion and the verdict, as a table."""
    table = Printed(box=None, pad_edge=False, header_style="bold")
    for heading in ("claim", "where", "measured", "criterion", "verdict"):
        table.add_column(heading, justify="right" if heading == "measured" else "left", overflow="fold")
    for each in judgements:
        claim = each.claim
        measured = "–" if each.value is None else f"{each.value:.3g}"
        if each.interval is not None:
            measured += " [{:.3g}, {:.3g}]".format(*each.interval)
        statement = f"control: {claim.statement}" if claim.control else claim.statement
        table.add_row(statement, claim.where, measured, claim.criterion, each.told)
    console.print(table)
