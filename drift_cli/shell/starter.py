"""The process that starts a sweep: one display of all jobs while they run, and at the end the outcome of each."""

from __future__ import annotations

import shlex
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drift_cli.console import make as make_console
from drift_cli.errors import RunFailed, UserError
from drift_cli.files import locked
from drift_cli.runs import made_folders
from drift_cli.runs.jobs import DONE, FAILED, KEPT, LACKING, REFUSED, RUNNING, STOPPED, Job, Jobs
from drift_cli.shell.compose import as_seen_from_here
from drift_cli.shell.sweep import Plan

_LOOKS = 0.5  # seconds between looks at the records
_AS_MANY = 8  # jobs at work that are shown one by one


@contextmanager
def followed(plan: Plan) -> Iterator[Followed]:
    """Show the jobs of the sweep while the block runs them; what ended the block early is kept with them.

    Raises `UserError` if another sweep is running in the folder.
    """
    folder = as_seen_from_here(plan.folder)
    jobs = Jobs(folder)
    made_folders.note(jobs.lock)
    folder.mkdir(parents=True, exist_ok=True)
    jobs.path.mkdir(exist_ok=True)
    with locked(jobs.lock) as held:
        if held is None:
            raise UserError(f"Another sweep is running in {folder}: wait for it, or stop it.")
        _set_back(jobs)
        if plan.goal is not None:
            _quiet_optuna()
        following = Followed(plan, jobs, make_console())
        try:
            with following.shown():
                yield following
        except KeyboardInterrupt:
            queued = "" if plan.placed.at_once else ", once its jobs have left the queue (scancel)"
            told = f"stopped: the same command resumes{queued}"
            following.console.print(told, highlight=False, soft_wrap=True)
            raise
        except Exception as error:
            if not jobs.all():  # nothing was begun: the launcher or the words are to blame
                raise
            following.broken = error


def _quiet_optuna() -> None:
    """It would print between the lines of the display; what it says of a trial, the records say."""
    with suppress(ImportError):  # another sweeper
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)


def _set_back(jobs: Jobs) -> None:
    """What an earlier sweep left undone is to be done; nothing of it runs any more on this machine."""
    for job in jobs.all():
        if job.status in LACKING:
            jobs.write(replace(job, status=STOPPED))


@dataclass
class Followed:
    """The jobs of a running sweep."""

    plan: Plan
    jobs: Jobs
    console: Console
    broken: Exception | None = None
    began: float = field(default_factory=time.time)
    told: set[int] = field(default_factory=set)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """A live table on a terminal, a line for each job elsewhere."""
        self._headline()
        over = threading.Event()
        live = Live(self._table([]), console=self.console, auto_refresh=False, transient=True,
                    redirect_stdout=False, redirect_stderr=False)  # fmt: skip

        def look() -> None:
            while not over.wait(_LOOKS):
                self._look(live)

        watching = threading.Thread(target=look, daemon=True)
        if self.plan.speaks:  # what the jobs print is what there is to see
            yield
            return
        if self.console.is_terminal:
            live.start()
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()
            self._look(live)
            live.stop()

    def failures(self) -> list[Exception]:
        """First how many failed, then each with its words, its reason and its log; nothing where none did."""
        every = self.jobs.all()
        self._best(every)
        lacking = [job for job in every if job.status in (*LACKING, STOPPED)]
        never = self.plan.jobs - len(every)
        told = [RunFailed(self._told(job)) for job in lacking]
        if never > 0:
            told.append(RunFailed(f"{never} of {self.plan.jobs} jobs never started"))
        if self.broken:
            told.append(RunFailed(f"the launcher ended with {type(self.broken).__name__}: {self.broken}"))
        if all(job.status == REFUSED for job in every) or (self.plan.speaks and not told):
            for job in every:
                self.jobs.forget(job.number)
        if not told:
            return []
        failed, kept = len(lacking) + max(never, 0), sum(job.status in (DONE, KEPT) for job in every)
        rest = f"the same command repeats {'it' if failed == 1 else 'them'}"
        rest += f" and keeps the other {kept}" if kept else ""
        return [RunFailed(f"{failed} of {self.plan.jobs} jobs failed; {rest}."), *told]

    def _told(self, job: Job) -> str:
        reason = {
            RUNNING: "it was ended from outside (killed, perhaps for lack of memory, or out of time)",
            STOPPED: "it was stopped before its end",
        }.get(job.status, job.reason)
        log = self.jobs.log(job.number)
        where = f" [{log}]" if job.status != REFUSED and log.is_file() else ""
        return f"job {job.number} ({self._its_own(job)}): {reason}{where}"

    def _its_own(self, job: Job) -> str:
        """The words in which the job differs from the others; all where there is no other."""
        return " ".join([word for word in job.words if word not in self.plan.common] or job.words)

    def _best(self, every: list[Job]) -> None:
        """Of a search the best trial, as the command that makes it again."""
        values = {job.number: job.value for job in every if job.status in (DONE, KEPT) and job.value is not None}
        if self.plan.goal is None or not values:
            return
        best = self.plan.goal(values, key=values.get)
        job = next(each for each in every if each.number == best)
        told = f"best of {len(values)}: {values[best]:.6g}, job {best} in {job.folder}"
        self.console.print(told, highlight=False, soft_wrap=True)
        self.console.print(shlex.join(["drift", self.plan.command, *job.words]), highlight=False, soft_wrap=True)

    def _headline(self) -> None:
        placed = self.plan.placed
        where = "" if placed.launcher == "basic" else f", {placed.launcher}"
        if placed.at_once is not None and placed.threads:
            threads = f"{placed.threads} thread{'s'[: placed.threads > 1]} each"
            where += f", {placed.at_once} at a time with {threads}"
        jobs = f"{self.plan.jobs} job{'s'[: self.plan.jobs > 1]}"
        if not self.plan.speaks:
            self.console.print(f"sweep: {jobs}{where} → {self.jobs.sweep}", highlight=False, soft_wrap=True)

    def _look(self, live: Live) -> None:
        every = self.jobs.all()
        for job in every:
            if job.number not in self.told and job.status in (DONE, KEPT, FAILED, REFUSED) and job.ended >= self.began:
                self.told.add(job.number)
                self._line(job)
        if live.is_started:
            live.update(self._table(every), refresh=True)

    def _line(self, job: Job) -> None:
        value = "" if job.value is None else f", {job.value:.4g}"
        how = {DONE: f"finished{value}", KEPT: f"already finished{value}"}.get(job.status, f"failed: {job.reason}")
        passed = int(time.time() - self.began)
        line = f"{passed // 60:>3}:{passed % 60:02d}  job {job.number} ({self._its_own(job)}) {how}"
        style = "red" if job.status in (FAILED, REFUSED) else ""
        self.console.print(
            f"{line} ({len(self.told)} of {self.plan.jobs})", style=style, highlight=False, soft_wrap=True
        )

    def _table(self, every: list[Job]) -> Table:
        counts = Counter(job.status for job in every)
        done, failed = counts[DONE] + counts[KEPT], counts[FAILED] + counts[REFUSED]
        share = (done + failed) / max(self.plan.jobs, 1)
        table = Table.grid(padding=(0, 2))
        table.add_row(
            _bar(share),
            f"{done} of {self.plan.jobs} done, {counts[RUNNING]} running, {failed} failed{self._left(every)}",
        )
        running = [job for job in every if job.status == RUNNING]
        for job in running[:_AS_MANY]:
            doing = self.jobs.last_words(job.number)
            table.add_row(self._its_own(job), Text(doing, overflow="ellipsis", no_wrap=True))
        if len(running) > _AS_MANY:
            table.add_row("", f"and {len(running) - _AS_MANY} more")
        return table

    def _left(self, every: list[Job]) -> str:
        """The expected rest, by the time that finished jobs took."""
        took = [job.seconds for job in every if job.status == DONE]
        running = [job for job in every if job.status == RUNNING]
        waiting = self.plan.jobs - sum(job.status != STOPPED for job in every)
        if not took:
            return ""
        mean, at_once, now = sum(took) / len(took), max(len(running), 1), time.time()
        rest = sum(max(mean - (now - job.began), 0.0) for job in running) / at_once
        seconds = int(rest + mean * waiting / at_once)
        return f", about {seconds // 60}:{seconds % 60:02d} left"


def _bar(share: float, width: int = 24) -> Text:
    full = round(width * min(max(share, 0.0), 1.0))
    return Text("━" * full, style="green") + Text("━" * (width - full), style="bright_black")
