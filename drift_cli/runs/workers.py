"""Other processes that carry out tasks, several at a time; none outlives the one that started it.

Each has a pipe of its own, and the starter neither a thread nor a lock for them: wherever Ctrl-C finds it, nothing is
held that the end of a process would wait for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from drift_cli.errors import RunFailed

_SPAWN = multiprocessing.get_context("spawn")  # the threads of torch do not survive a fork


def each_done(tasks: Sequence[Callable[[], Any]], at_once: int) -> Iterator[tuple[int, Any]]:
    """Every task's place in `tasks` and what it returned, as it is done, `at_once` of them at a time.

    A task and what it returns go through a pipe: plain data. Raises what a task raised, and `RunFailed` where a
    process was ended from outside. The processes end with the iteration, however it ends.
    """
    waiting, workers = iter(enumerate(tasks)), []
    try:
        for place, task in islice(waiting, at_once):
            with _ctrl_c_held_back():
                workers.append(_Worker.started())
            workers[-1].hand(place, task)
        busy = {worker.pipe: worker for worker in workers}
        while busy:
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                place, answer = worker.place, worker.answer()
                following = next(waiting, None)
                if following is None:
                    del busy[worker.pipe]
                else:
                    worker.hand(*following)
                yield place, answer
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()


@dataclass
class _Worker:
    """A process, the starter's end of its pipe, and the place of the task that it has in hand."""

    process: SpawnProcess
    pipe: Connection
    place: int = -1

    @classmethod
    def started(cls) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        # A daemon, so that the interpreter ends it even where the iteration is left open and never collected.
        process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # the worker's is the only one now, and its end is the end of the file here
        return cls(process, ours)

    def hand(self, place: int, task: Callable[[], Any]) -> None:
        self.place = place
        try:
            self.pipe.send(task)
        except OSError as error:
            raise self._ended() from error

    def answer(self) -> Any:
        try:
            returned, raised = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if raised is not None:
            raise raised
        return returned

    def _ended(self) -> RunFailed:
        self.process.join()
        return RunFailed(
            f"A process that made a run was ended from outside (status {self.process.exitcode}), for want of memory "
            "perhaps: fewer at a time (jobs=1) need less. What was finished is kept."
        )


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Processes that are started in here never see Ctrl-C, from their first instruction on; it reaches us later."""
    resource_tracker.ensure_running()  # which lets signals through again when it is first started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection) -> None:
    """Carry out what comes through the pipe until it is closed; end with the starter even where it was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = task(), None
        except Exception as error:
            error.add_note(f"In another process:\n{traceback.format_exc()}")
            answer = None, error
        pipe.send(answer)
