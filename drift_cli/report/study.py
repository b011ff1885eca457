"""What every study leaves behind: summary, curves, figures, provenance, and a printed table of claims with verdicts."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from scipy import stats

from drift_cli import config as configs
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.report import claims
from drift_cli.runs import provenance
from drift_cli.runs.files import read_json, write_json

Curves = Mapping[str, Sequence[Any] | np.ndarray]


@dataclass
class Study:
    """The run folder of a study while it works. `summary` is flat; each of `curves` becomes one CSV file."""

    command: str
    path: Path
    console: Console
    progress: Progress
    summary: dict[str, float] = field(default_factory=dict)
    figures: list[Path] = field(default_factory=list)

    def part(self, what: str) -> None:
        """Say what is being done now; each part is one step of the progress bar."""
        self.done(f"{what} …")

    def done(self, what: str) -> None:
        """The same of a part that is done."""
        task = self.progress.tasks[0]
        self.progress.update(task.id, description=what, completed=task.completed + (task.description != ""))
        if self.progress.disable:
            total = max(int(task.total or 0), int(task.completed) + 1)
            self.console.print(f"{int(task.completed) + 1}/{total} {what}", highlight=False, soft_wrap=True)

    def once(self, name: str, settings: Any, parts: int, measure: Callable[[], None]) -> None:
        """Run `measure`, of `parts` parts, unless the folder holds what it found with the same settings."""
        place = self.path / "parts" / f"{name}.json"
        kept = read_json(place) if place.is_file() else {}
        if kept.get("settings") != settings or not all((self.path / figure).is_file() for figure in kept["figures"]):
            known, drawn = set(self.summary), len(self.figures)
            measure()
            found = {key: float(value) for key, value in self.summary.items() if key not in known}
            figures = [str(figure.relative_to(self.path)) for figure in self.figures[drawn:]]
            place.parent.mkdir(exist_ok=True)
            write_json(place, {"settings": settings, "summary": found, "figures": figures})
            return
        self.summary |= kept["summary"]
        self.figures += [self.path / figure for figure in kept["figures"]]
        self.progress.advance(self.progress.tasks[0].id, parts)

    def interval(self, key: str, value: float, low: float, high: float) -> None:
        """Put a number and the ends of its 95 % interval into the summary."""
        self.summary |= {key: value, f"{key}.ci_low": low, f"{key}.ci_high": high}

    def mean(self, key: str, values: Sequence[float]) -> None:
        """Put the mean over seeds into the summary, and `.sd` where there is more than one."""
        self.summary[key] = float(np.mean(values))
        if len(values) > 1:
            self.summary[f"{key}.sd"] = float(np.std(values, ddof=1))

    def finite_mean(self, key: str, values: Sequence[float]) -> None:
        """The same, and nothing where one of them is no number or never came."""
        if np.isfinite(values).all():
            self.mean(key, values)

    def next_run(self, key: str, values: Sequence[float]) -> None:
        """Put the mean over runs into the summary, and where there are several the 95 % interval of one run more.

        That is Student's t times the deviation times √(1 + 1/n): what a single number from elsewhere is compared with.
        """
        mean, n = float(np.mean(values)), len(values)
        self.summary[key] = mean
        if n > 1:
            half = float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / n))
            self.summary |= {f"{key}.next_low": mean - half, f"{key}.next_high": mean + half}

    def ratio(self, key: str, ratios: Sequence[float]) -> None:
        """Put the geometric mean of paired ratios, with its 95 % interval by Student's t where there are several."""
        logs = np.log(ratios)
        mean = float(np.exp(logs.mean()))
        if len(logs) < 2:
            self.summary[key] = mean
            return
        half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
        self.interval(key, mean, mean * float(np.exp(-half)), mean * float(np.exp(half)))

    def rows(self, name: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """The same as `curves` from rows."""
        self.curves(name, dict(zip(names, zip(*rows, strict=True), strict=True)))

    def curves(self, name: str, columns: Curves) -> None:
        """Write columns of equal length to data/<name>.csv, for others to draw again."""
        folder = self.path / "data"
        folder.mkdir(parents=True, exist_ok=True)
        rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)


def refuse_another(config: Any, path: Path) -> None:
    """Raise `UserError` where `path` holds a study with other settings, which this one would write over."""
    place = path / "config.yaml"
    if not place.is_file():
        return
    if replace(configs.load(place, type(config)), jobs=config.jobs, resume=config.resume) != config:
        raise UserError(
            f"{path} holds a study with other settings, and is left as it is: resume={path} goes on with it, another "
            "hydra.run.dir=… starts anew."
        )


@contextmanager
def study(command: str, config: Any, path: Path, seed: int, parts: int, *, resumable: bool = False) -> Iterator[Study]:
    """Open the run folder, show progress over `parts` parts, and write everything at the end.

    `resumable`: the command takes resume=, which is what a reader is told when the study is stopped.
    """
    console, began = make_console(), time.perf_counter()
    origin = provenance.at_start(command, seed, torch.device("cpu"))
    if resumable and (path / "provenance.json").is_file():  # the first start stays what it was
        earlier = read_json(path / "provenance.json")
        origin = earlier | {"resumed": [*earlier.get("resumed", []), origin]}
    try:
        path.mkdir(parents=True, exist_ok=True)
        configs.save(config, path / "config.yaml")
        write_json(path / "provenance.json", origin)
    except OSError as error:
        raise UserError(f"The output folder {path} cannot be written: {error.strerror}.") from error
    (path / "summary.json").unlink(missing_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task("", total=parts)
        opened = Study(command, path, console, progress)
        try:
            yield opened
        except KeyboardInterrupt:
            further = f": drift {command} resume={path} goes on" if resumable else " and has no summary.json"
            console.print(f"stopped: {path} is incomplete{further}", highlight=False, soft_wrap=True)
            raise
    seconds = time.perf_counter() - began
    write_json(path / "provenance.json", origin | provenance.at_end(torch.device("cpu"), seconds))
    write_json(path / "summary.json", {key: float(value) for key, value in opened.summary.items()})
    show(console, claims.judge(command, opened.summary))
    for place in [*opened.figures, path / "summary.json"]:
        console.print(str(place), highlight=False, soft_wrap=True)


def show(console: Console, verdicts: list[claims.Verdict]) -> None:
    """The claims with the measured number, the criterion and the verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("claim", "where", "measured", "criterion", "verdict"):
        table.add_column(heading, justify="right" if heading == "measured" else "left", overflow="fold")
    for each in verdicts:
        claim = each.claim
        where = f"{claim.paper}, {claim.place}".removesuffix(", ") + (
            " (as reconstructed)" if claim.reconstructed else ""
        )
        measured = "–" if each.value is None else f"{each.value:.3g}"
        if each.interval is not None:
            measured += " [{:.3g}, {:.3g}]".format(*each.interval)
        verdict = each.verdict + (f": {claim.condition}" if each.verdict == claims.CONDITIONAL else "")
        statement = f"control: {claim.statement}" if claim.control else claim.statement
        table.add_row(statement, where, measured, claim.criterion, verdict)
    console.print(table)
