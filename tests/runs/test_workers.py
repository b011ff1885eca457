from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from drift_cli.errors import RunFailed, UserError
from drift_cli.runs import workers
from tests.problems.processes import heed_interrupts

LARGE = 20_000_000  # bytes: far more than a pipe holds, so that it cannot be sent while nobody reads


def _children() -> list[multiprocessing.process.BaseProcess]:
    """Those that are alive, but for the ones of joblib, which keeps its own between sweeps."""
    return [child for child in multiprocessing.active_children() if "Loky" not in type(child).__name__]


def answers(tasks: list[Callable[[], object]], at_once: int) -> list[object]:
    found = dict(workers.each_done(tasks, at_once))
    return [found[place] for place in range(len(tasks))]


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_every_task_is_done_once_elsewhere_whatever_their_number(at_once: int) -> None:
    assert answers([partial(pow, 2, k) for k in range(4)], at_once) == [1, 2, 4, 8]
    assert os.getpid() not in answers([os.getpid] * 3, at_once)
    assert answers([], at_once) == []
    assert not _children()


def refused(what: str) -> None:
    raise UserError(what)


def test_what_a_task_raises_is_raised_here_with_where_it_was() -> None:
    with pytest.raises(UserError, match="no such thing") as raised:
        answers([partial(refused, "no such thing"), partial(time.sleep, 60)], 2)
    assert "in refused" in raised.value.__notes__[0]
    assert not _children()


class Slow:
    """A large answer whose last part takes for ever to send."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple:
        return bytes, (bytes(LARGE), Endless(self.sign))


class Endless:
    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple:
        self.sign.touch()
        time.sleep(600)
        return int, ()


def in_the_middle_of_an_answer(folder: Path) -> Iterator[tuple[int, object]]:
    """Two tasks, the first of them done; the other's answer is sent in part."""
    doing = workers.each_done([int, partial(Slow, folder / "sign")], 2)
    assert next(doing) == (0, 0)
    deadline = time.monotonic() + 60
    while not (folder / "sign").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return doing


def test_one_that_is_killed_in_the_middle_of_its_answer_is_no_answer_and_no_waiting(tmp_path: Path) -> None:
    doing = in_the_middle_of_an_answer(tmp_path)
    for child in _children():  # the first has nothing in hand, so that it is not missed
        child.kill()
    with pytest.raises(RunFailed, match=r"ended from outside \(status -9\)"):
        next(doing)
    assert not _children()


def test_an_iteration_that_is_left_ends_them_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    doing = in_the_middle_of_an_answer(tmp_path)
    began = time.monotonic()
    doing.close()
    assert time.monotonic() - began < 10  # they are killed, not waited for
    assert not _children()


STARTS = """
import time
from functools import partial
from drift_cli.runs import workers

if __name__ == "__main__":
    try:
        print("starting", flush=True)
        for place, answer in workers.each_done([partial(bytes, 300_000)] * 10_000, 2):
            print(place, flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
def test_ctrl_c_in_a_terminal_reaches_the_starter_alone_at_whatever_moment(tmp_path: Path, after: float) -> None:
    (tmp_path / "starts.py").write_text(STARTS)
    running = subprocess.Popen(
        [sys.executable, str(tmp_path / "starts.py")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "starting\n"
    time.sleep(after)
    os.killpg(running.pid, signal.SIGINT)  # what a terminal does: to every process of the group
    said, told = running.communicate(timeout=60)  # the end of the pipes: every process is gone
    assert said.endswith("stopped\n")
    assert told == ""
