"""Tasks that are carried out elsewhere, several at a time: in processes of this machine, or in a queue of a cluster.

The processes are those of `concurrent.futures`, the queue (`queue.py`) is submitit's. What they have no word for is
here: none of the processes outlives the one that started them, Ctrl-C reaches that one alone, and one that is killed in
the middle of its answer is missed. For that an answer lies in a file, and its name goes through the pool's own pipe.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from drift_cli.errors import RunFailed

_SPAWN = multiprocessing.get_context("spawn")  # the threads of torch do not survive a fork
_LOOKS = 0.02  # seconds between looks at what is done, in this process and by the handle of a queue
Task = Callable[[], Any]


class Handle(Protocol):
    """A task that was handed over."""

    def done(self) -> bool: ...

    def result(self) -> Any: ...


class Pool(Protocol):
    """Where tasks are carried out."""

    looks: float  # seconds between looks at what is done

    def submit(self, task: Task) -> Handle: ...

    def answer(self, handle: Any) -> tuple[Any, Exception | None]:
        """What a task that is done returned, and what it raised. Raises `RunFailed` where it was ended from outside."""
        ...

    def close(self) -> None:
        """End what is not done."""


def each_done(
    tasks: Sequence[Task], at_once: int, pool: Pool | None = None, idle: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Any]]:
    """Every task's place in `tasks` and what it returned, as it is done, `at_once` of them at a time; `idle` is called
    now and then meanwhile.

    A task and what it returns are plain data. Raises what a task raised, and `RunFailed` where a process was ended from
    outside. What is not done is ended with the iteration, however it ends.
    """
    if not tasks:
        return
    waiting = iter(enumerate(tasks))
    handed: dict[Handle, int] = {}
    with _undisturbed():
        pool = pool or Processes(at_once)
    try:
        for place, task in islice(waiting, at_once):
            with _undisturbed():
                handed[pool.submit(task)] = place
        while handed:
            with _undisturbed():
                done = next((handle for handle in handed if handle.done()), None)
            if done is None:
                idle()
                time.sleep(pool.looks)
                continue
            with _undisturbed():
                returned, raised = pool.answer(done)
                place, following = handed.pop(done), next(waiting, None)
                if raised is None and following is not None:
                    handed[pool.submit(following[1])] = following[0]
            if raised is not None:
                raise raised
            yield place, returned
    finally:
        with _undisturbed():
            pool.close()


@dataclass
class Processes:
    """Processes of this machine, `at_once` of them, which end with this one even where it is killed."""

    at_once: int
    looks: float = _LOOKS
    processes: set[BaseProcess] = field(default_factory=set)

    def __post_init__(self) -> None:
        resource_tracker.ensure_running()  # which lets signals through again when it is first started
        self.folder = TemporaryDirectory(prefix="drift-")
        self.executor = ProcessPoolExecutor(self.at_once, _SPAWN, _end_with_the_starter, (self.folder.name,))

    def submit(self, task: Task) -> Future:
        before = set(multiprocessing.active_children())
        try:
            return self.executor.submit(partial(_answer_in, Path(self.folder.name), task))
        except BrokenProcessPool as error:
            raise self._ended() from error
        finally:
            self.processes |= set(multiprocessing.active_children()) - before

    def answer(self, handle: Handle) -> tuple[Any, Exception | None]:
        try:
            place = handle.result()
        except BrokenProcessPool as error:
            raise self._ended() from error
        answer = pickle.loads(place.read_bytes())
        place.unlink()
        return answer

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        self.executor.shutdown(cancel_futures=True)
        for process in self.processes:
            process.join()
        self.folder.cleanup()

    def _ended(self) -> RunFailed:
        for process in self.processes:
            process.join(1)
        codes = [process.exitcode for process in self.processes if process.exitcode]
        others = -signal.SIGTERM  # by which the pool ends the rest
        first = next((code for code in codes if code != others), others)
        return RunFailed(
            f"The process of a training run was ended from outside (status {first}), perhaps for lack of memory: fewer "
            "at a time (jobs=1) need less. Finished runs are kept."
        )


def _answer_in(folder: Path, task: Task) -> Path:
    place = folder / f"{os.getpid()}-{time.monotonic_ns()}"
    place.write_bytes(pickle.dumps(answered(task)))
    return place


def answered(task: Task) -> tuple[Any, Exception | None]:
    """What the task returned, or what it raised and where."""
    try:
        return task(), None
    except Exception as error:
        error.add_note(f"In another process:\n{traceback.format_exc()}")
        return None, error


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block is over, so that no lock of a pool is left held. Processes that are
    started in here never see Ctrl-C, from their first instruction on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handled = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = {number: handler for number, handler in handled.items() if callable(handler)}
    for number in handled:
        signal.signal(number, lambda number, _: came.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handled.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _end_with_the_starter(folder: str) -> None:
    """In a process of the pool: end with the starter even where it was killed, and leave no answers behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
