"""`drift paper`: every experiment of the paper, several at a time, and the page that shows which claims hold."""

from __future__ import annotations

import shlex
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drift_cli.commands.paper.parts import (
    FINISHED,
    NOT_STARTED,
    OTHER,
    UNFINISHED,
    Part,
    Running,
    Times,
    alone,
    carry_out,
)
from drift_cli.commands.paper.parts import asked as settings_of
from drift_cli.commands.paper.settings import PaperConfig
from drift_cli.commands.paper.sizes import Measured, beside
from drift_cli.console import make as make_console
from drift_cli.errors import RunFailed, UserError, did_you_mean
from drift_cli.files import read_json, write_json
from drift_cli.report import experiments, page
from drift_cli.report.claims import Verdict
from drift_cli.runs import made_folders, provenance
from drift_cli.runs.cores import usable

_REFERENCE = 0.0185  # seconds that `slowdown` measured where the minutes of the parts were
_TOLD = 60.0  # seconds between lines where there is no terminal


def run(config: PaperConfig, _: Path) -> page.Report:
    """Carry out what is not finished, write the page, print the verdicts. Raises `RunFailed` where a part failed."""
    every = experiments.load(Path(config.experiments) if config.experiments else None)
    folder = Path(config.out) / config.size
    parts = [Part(each, config.size, folder / each.name) for each in every]
    chosen = _chosen(parts, config.parts)
    for part in chosen:
        settings_of(part.experiment, config.size)  # what is impossible is refused before any work
    config.executor.check_installed()
    if config.export:
        _check_writable("export", Path(config.export))
    _check_writable("out", folder)
    if config.report and all(part.state() != FINISHED for part in parts):
        raise UserError(f"No part in {folder} is finished: omit report=true to run the experiments.")
    console = make_console()
    statuses: dict[str, int] = {}
    if not config.report:
        try:
            with alone(folder) as lock, _interrupted_when_terminated():
                _take_over(config, chosen, console)
                statuses = _carry_out(config, chosen, folder, lock, console)
        except OSError as error:
            raise UserError(f"out={config.out} cannot be written: {error.strerror}. Choose another folder.") from error
        except KeyboardInterrupt:
            console.print("stopped: the same command resumes", highlight=False)
            raise
    report = _report(
        parts, folder, beside(every, config.size, Path(config.out), Path(config.kept) if config.kept else None)
    )
    written = page.write(report, folder)
    _print_verdicts(console, report, [part.name for part in chosen])
    for place in written:
        console.print(str(place), highlight=False, soft_wrap=True)
    if config.export:
        console.print(str(_export(report, parts, written, Path(config.export))), highlight=False, soft_wrap=True)
    if failed := [part for part in chosen if statuses.get(part.name)]:
        told = "; ".join(f"{part.name} (exit {statuses[part.name]}: {part.last_words()})" for part in failed)
        raise RunFailed(
            f"{len(failed)} of {len(chosen)} parts failed: {told}. Their output is in {failed[0].log.parent}; the "
            "same command reruns them and keeps the others."
        )
    return report


@contextmanager
def _interrupted_when_terminated() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does: the terminal is put right, and it is told that the run goes on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_writable(key: str, folder: Path) -> None:
    """Refuse a folder that cannot be made or written, before the work whose results go there."""
    made_folders.note(folder)  # it is gone again if nothing comes to lie in it
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{key} must be a folder, but {folder} is a file: choose another.") from error
    except OSError as error:
        raise UserError(f"{key} must be a writable folder, got {folder}: {error.strerror}. Choose another.") from error


def _report(parts: list[Part], folder: Path, others: dict[str, Measured]) -> page.Report:
    """What the folders hold, judged."""
    times = Times.of(folder)
    found = []
    for part in parts:
        state, kept = part.state(), times.parts.get(part.name, {})
        absent = "" if state == FINISHED else f"its part was {state}"
        if state == UNFINISHED and kept.get("status"):
            absent = f"its part failed: {part.last_words()}"
        found.append(page.Part(part.experiment, part.size, part.path, absent, kept.get("seconds", 0.0)))
    return page.Report.of(found, parts[0].size, times.cores, times.wall, others)


def _chosen(parts: list[Part], names: list[str] | None) -> list[Part]:
    known = [part.name for part in parts]
    for name in names or ():
        if name not in known:
            raise UserError(f'There is no part "{name}".{did_you_mean(name, known)} Available: {", ".join(known)}.')
    return [part for part in parts if names is None or part.name in names]


def _carry_out(config: PaperConfig, chosen: list[Part], folder: Path, lock: int, console: Console) -> dict[str, int]:
    """Run the parts that are not finished, the longest first, and return the exit status of each."""
    times, cores = Times.of(folder), config.cores or usable()
    times.cores = cores
    states = {part.name: part.state() for part in chosen}
    left = [part for part in chosen if states[part.name] != FINISHED]
    for part in left:
        if states[part.name] in (OTHER, NOT_STARTED):
            times.parts.pop(part.name, None)
    # The longest first, so that it is not what all wait for at the end.
    left.sort(key=lambda part: -part.experiment.minutes[part.size])
    say = f"drift paper: {config.size} size, {len(chosen)} part{'s'[: len(chosen) > 1]}"
    if len(left) < len(chosen):
        say += f", {len(chosen) - len(left)} of them already finished"
    if left:
        say += f"; about {_duration(expected(left, cores, slowdown()))} here, on {cores} core{'s'[: cores > 1]}"
        if any(states[part.name] == UNFINISHED for part in left):
            say += " (less what an earlier run has already done)"
        if torch.cuda.is_available() and config.size == "full":
            say += "; measured on CPUs, a GPU takes less"
    console.print(f"{say} → {folder}", highlight=False, soft_wrap=True)
    now = provenance.commit()
    older = [part.name for part in chosen if states[part.name] == FINISHED and part.commit() not in (None, now)]
    if older:
        console.print(
            f"finished at another commit: {', '.join(older)} (remove a part's folder to run it again)",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    if not left:
        return {}
    shown = _Shown(console, left, len(chosen))
    with shown:
        return carry_out(left, cores, config.executor, lock, times, shown.tell)


def core_minutes(part: Part) -> float:
    """Minutes times cores: those of parts with workers were measured on 2 cores, the others' with one core busy."""
    return part.experiment.minutes[part.size] * (2 if part.workers else 1)


def expected(parts: list[Part], cores: int, slower: float) -> float:
    """About how many minutes the parts take: no less than their work shared by the cores, nor than the longest one."""
    longest = max((core_minutes(part) / (cores if part.workers else 1) for part in parts), default=0.0)
    return slower * max(sum(core_minutes(part) for part in parts) / cores, longest)


def slowdown() -> float:
    """How much longer this machine takes for a small piece of work than that on which the parts were timed."""
    x = np.linspace(0, 5, 500_000)
    times = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(3):
            np.exp(-x * x).sum()
        times.append(time.perf_counter() - began)
    return min(times) / _REFERENCE


def _duration(minutes: float) -> str:
    if minutes < 1.5:
        return f"{max(round(minutes * 60), 1)} s"
    if minutes < 90:
        return f"{minutes:.0f} minutes"
    return f"{minutes / 60:.1f} hours" if minutes < 48 * 60 else f"{minutes / 1440:.1f} days"


@dataclass
class _Shown:
    """What is seen of the whole: one live table on a terminal, a line now and then elsewhere."""

    console: Console
    left: list[Part]
    total: int

    def __post_init__(self) -> None:
        self.began = self.told = time.monotonic()
        self.ended: list[str] = []
        self.live = Live(Text(""), console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> None:
        if self.console.is_terminal:
            self.live.start()

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def tell(self, what: str, part: Part, running: list[Running]) -> None:
        now = time.monotonic()
        if what == "started" and not self.console.is_terminal:
            self._line(f"{part.name}: drift {part.experiment.command} started")
        elif what == "ended":
            self.ended.append(part.name)
            finished = (part.path / "summary.json").is_file()
            told = "finished" if finished else f"failed: {part.last_words()}"
            self._line(f"{part.name}: {told} ({len(self.ended)} of {len(self.left)})", "" if finished else "red")
        if self.console.is_terminal:
            self.live.update(self._table(running))
        elif now - self.told > _TOLD:
            self.told = now
            self._line("; ".join(f"{name} {share:.0%}, {doing}" for name, share, doing in self._doing(running)))

    def _line(self, text: str, style: str = "") -> None:
        passed = int(time.monotonic() - self.began)
        line = f"{passed // 60:>3}:{passed % 60:02d}  {text}"
        self.console.print(line, style=style, highlight=False, soft_wrap=True, markup=False)

    def _doing(self, running: list[Running]) -> list[tuple[str, float, str]]:
        found = [(each.part.name, each.part.progress()) for each in running]
        return [(name, progress.share, progress.doing) for name, progress in found]

    def _table(self, running: list[Running]) -> Table:
        doing = self._doing(running)
        weights = {part.name: core_minutes(part) for part in self.left}
        done = sum(weights[name] for name in self.ended) + sum(weights[name] * share for name, share, _ in doing)
        share, passed = done / sum(weights.values()), time.monotonic() - self.began
        table = Table.grid(padding=(0, 2))
        rest = f", about {_duration(passed / 60 * (1 / share - 1))} left" if share > 0.02 else ""
        table.add_row("the whole", _bar(share), f"{share:.0%}{rest}")
        for name, part_share, what in doing:
            table.add_row(name, _bar(part_share), Text(what, overflow="ellipsis", no_wrap=True))
        return table


def _bar(share: float, width: int = 24) -> Text:
    full = round(width * min(max(share, 0.0), 1.0))
    return Text("━" * full, style="green") + Text("━" * (width - full), style="bright_black")


def _print_verdicts(console: Console, report: page.Report, parts: list[str]) -> None:
    """The verdicts of the parts that were asked for, those that hold first; what was not tested, by its reason."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("verdict", no_wrap=True)
    for heading in ("where", "claim", "measured", "criterion"):
        table.add_column(heading, overflow="fold")
    of_parts = [each for each in report.entries if each.part is None or each.part.name in parts]
    for verdict in (Verdict.CONFIRMED, Verdict.CONDITIONAL, Verdict.REFUTED):
        for each in of_parts:
            if each.kind == verdict:
                told = f"{'Control: ' * each.claim.control}{each.claim.statement}"
                if verdict is Verdict.CONDITIONAL:
                    told += f" Condition: {each.claim.condition}."
                table.add_row(verdict, each.where, told, each.measured, each.criterion)
    console.print(table)
    for reason, count in Counter(each.reason for each in of_parts if each.kind is Verdict.UNTESTED).items():
        console.print(f"not tested ({count}): {reason}", highlight=False, soft_wrap=True, markup=False)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items())
    console.print(f"{len(report.entries)} claims: {counts}", style="bold", highlight=False)


def _take_over(config: PaperConfig, chosen: list[Part], console: Console) -> None:
    """Fetch the runs of `records=`; those of other settings are made again in their place."""
    if config.records is None:
        return
    for part in chosen:
        if number := part.take_over(Path(config.records)):
            console.print(f"{part.name}: {number} runs reused from {config.records}", highlight=False, soft_wrap=True)


def _export(report: page.Report, parts: list[Part], written: list[Path], to: Path) -> Path:
    """Copy the page, its figures, and of each part the summary, settings and provenance, for others to keep.

    Of a part whose runs are worth keeping those that are finished are copied too, whether the part is or not.
    """
    for place in written:
        to.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, to / place.name)
    for part in report.finished:
        (to / part.name).mkdir(exist_ok=True)
        for name in ("summary.json", "config.yaml"):
            shutil.copyfile(part.path / name, to / part.name / name)
        write_json(to / part.name / "provenance.json", _for_others(read_json(part.path / "provenance.json")))
        for file, content in page.pictures(part).items():
            (to / part.name / file).parent.mkdir(parents=True, exist_ok=True)
            (to / part.name / file).write_bytes(content)
    for each in parts:
        for run in each.runs:
            (to / each.name / "runs").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run, to / each.name / "runs" / run.name)
    return to


def _for_others(origin: dict[str, Any]) -> dict[str, Any]:
    """The same provenance, whose command names no folder of this machine."""
    words = shlex.split(origin["command"])
    return origin | {"command": shlex.join(word for word in words if not word.startswith("hydra.run.dir="))}
