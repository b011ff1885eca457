"""A command of which one writing call fails, or ends the process: what it leaves, and what the next one makes of it.

    python -m tests.faults.failing SCENARIO FOLDER < cases    # with failing_calls.c in LD_PRELOAD, as `tried` does it

Every case is a process forked from one that has all imported, so that a thousand of them are a matter of minutes.
"""

from __future__ import annotations

import csv
import ctypes
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from drift_cli.data import tables
from drift_cli.shell.cli import main
from drift_cli.training.checkpoint import existing, is_sound
from tests.problems.blank import blank_figures
from tests.problems.runs import SMALL

KINDS = {  # the error, and whether every call after it has it too; −1: the process ends
    "no space, once": (errno.ENOSPC, 0),
    "no space from then on": (errno.ENOSPC, 1),
    "input/output error": (errno.EIO, 0),
    "ended": (-1, 0),
}
KILLED = "killed"
_OF_TIME = re.compile(r"seconds|steps_per_second|^origin$|^figure|_kept$")


@dataclass(frozen=True)
class Case:
    """The writing call number `call` (from 1) fails in the way of `kind`; of the kind "killed" the process is killed
    after so many thousandths of the time that it takes."""

    call: int
    kind: str = "ended"


@dataclass(frozen=True)
class Outcome:
    """`wrong`: what breaks a promise, "" where nothing does. `struck`: the call that failed (write, rename, …)."""

    case: Case
    struck: str
    status: int
    told: str
    wrong: str


@dataclass(frozen=True)
class Scenario:
    """`before` makes what is there when `words` are run with a fault; `after` are those that go on, without one."""

    before: Callable[[Path], None]
    words: Callable[[Path], list[str]]
    after: Callable[[Path], list[str]]
    run: Callable[[list[str]], int] = main
    draws: bool = False  # its figures; else a blank is written for each, as they take most of the time


def _nothing(folder: Path) -> None:
    folder.mkdir()


def _stopped(folder: Path) -> None:
    """A run of 8 steps, to which 4 are added."""
    assert main(["train", *SMALL, "steps=8", f"hydra.run.dir={folder / 'run'}"]) == 0


def _trained(folder: Path) -> None:
    assert main(["train", *SMALL, f"hydra.run.dir={folder / 'run'}"]) == 0


def _new_or_resumed(command: str, *words: str) -> Callable[[Path], list[str]]:
    """Go on with the run where there is one, else start it: what a user does."""

    def after(folder: Path) -> list[str]:
        run = folder / "run"
        return (
            [command, f"resume={run}"] if (run / "config.yaml").is_file() else [command, *words, f"hydra.run.dir={run}"]
        )

    return after


def _started(command: str, *words: str) -> Callable[[Path], list[str]]:
    return lambda folder: [command, *words, f"hydra.run.dir={folder / 'run'}"]


def _careless(words: list[str]) -> int:
    """What nobody should do: a file is written in its place, and where that fails nothing is said."""
    with suppress(OSError):
        Path(words[-1].partition("=")[2], "run.json").write_text('{"a": 1}\n')
    return 0


def _sampled(ending: str) -> Callable[[Path], list[str]]:
    return lambda folder: ["sample", f"run={folder / 'run'}", "n=3000", f"out={folder / 'samples'}.{ending}"]


SMALL = (*SMALL, "generator.widths=[16]")
_CODES = (*SMALL, "dataset=digits", "space=autoencoder", "space.epochs=1", "evaluation.judge=false")
_STUDY = (
    "datasets=[checkerboard]", "kernels=[laplace]", "generator.widths=[8]", "batch_size=64", "steps=10", "track=8",
    "points=100", "projections=10", "draws=1", "plane=3", "jobs=1", "seeds=[0]", "paths=[none]",
)  # fmt: skip
SCENARIOS = {
    "train": Scenario(_nothing, _started("train", *SMALL), _new_or_resumed("train", *SMALL)),
    "figures": Scenario(
        _nothing, _started("train", *SMALL, "steps=1"), _new_or_resumed("train", *SMALL, "steps=1"), draws=True
    ),
    "resume": Scenario(
        _stopped,
        lambda folder: ["train", f"resume={folder / 'run'}", "steps=12"],
        lambda folder: ["train", f"resume={folder / 'run'}", "steps=12"],
    ),
    "codes": Scenario(_nothing, _started("train", *_CODES), _new_or_resumed("train", *_CODES)),
    "study": Scenario(
        _nothing, _started("stop-grad-study", *_STUDY), _new_or_resumed("stop-grad-study", *_STUDY)
    ),
    "careless": Scenario(
        lambda folder: (folder / "run").mkdir(parents=True), _started(""), _started(""), run=_careless
    ),
    **{f"sample {each}": Scenario(_trained, _sampled(each), _sampled(each)) for each in ("npy", "csv", "parquet")},
}  # fmt: skip


def every_case(calls: int) -> list[Case]:
    """Each of the calls in turn, in each way."""
    return [Case(call, kind) for call in range(1, calls + 1) for kind in KINDS]


def tried(scenario: str, chosen: Callable[[int], Iterable[Case]], folder: Path) -> Iterator[Outcome]:
    """Try the cases that are `chosen` of so many writing calls, in a process of its own.

    Raises `RuntimeError` where that process fails.
    """
    words = [sys.executable, "-m", "tests.faults.failing", scenario, str(folder)]
    surroundings = os.environ | {"LD_PRELOAD": str(_compiled()), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for case in chosen(int(process.stdout.readline() or 0)):
            print(json.dumps(asdict(case)), file=process.stdin, flush=True)
            if not (answer := process.stdout.readline()):
                break
            entries = json.loads(answer)
            yield Outcome(Case(**entries.pop("case")), **entries)
        process.stdin.close()
    if process.returncode:
        raise RuntimeError(f"{scenario}: ended with status {process.returncode}")


@cache
def _compiled() -> Path:
    """`failing_calls.c` as a library."""
    place = Path(tempfile.mkdtemp()) / "failing_calls.so"
    source = Path(__file__).with_name("failing_calls.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", place, source, "-ldl"], check=True)
    return place


def _serve(name: str, place: Path) -> None:
    """Write how many calls there are; then read cases, one JSON object a line, and write their outcomes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is printed
    place.mkdir(parents=True, exist_ok=True)
    scenario = SCENARIOS[name]
    with nullcontext() if scenario.draws else blank_figures():
        scenario.before(place / "warm")  # here, so that no case spends its time on imports
        scenario.run(scenario.words(place / "warm"))
        scenario.before(place / "ready")
        bench = _Bench(scenario, place)
        print(bench.calls, file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(asdict(bench.tried(Case(**json.loads(line))))), file=answers, flush=True)


class _Bench:
    """A scenario in `place`: what is there before is kept in `ready`, and every case begins with a copy of it."""

    def __init__(self, scenario: Scenario, place: Path) -> None:
        self.scenario, self.place, self.at = scenario, place, place / "at"
        began = time.monotonic()
        status, told = self._with(Case(0))
        self.seconds = time.monotonic() - began
        if status:
            raise RuntimeError(f"without a fault it ends with {status}: {told}")
        self.usual, self.calls = _left(self.at), len(self._names())

    def tried(self, case: Case) -> Outcome:
        """The command with its fault, and then the one that goes on."""
        status, told = self._with(case)
        names = self._names()
        struck = KILLED if case.kind == KILLED else names[case.call - 1] if case.call <= len(names) else ""
        wrong = _broken(self.at) or _badly_told(status, told, case, struck)
        if not wrong:
            after, told_after = _forked(lambda: self.scenario.run(self.scenario.after(self.at)), self.place / "told")
            ended = status == 0 and after == 2 and "has finished" in told_after  # the fault cost it a figure at most
            wrong = "" if after == 0 or ended else f"then ended with {after}: {told_after[:400]}"
            wrong = wrong or _differing(_left(self.at), self.usual, figures=not ended)
        return Outcome(case, struck, status, told, wrong)

    def _with(self, case: Case) -> tuple[int, str]:
        shutil.rmtree(self.at, ignore_errors=True)
        shutil.copytree(self.place / "ready", self.at)
        if case.kind == KILLED:
            return _forked(lambda: self._armed(Case(0)), self.place / "told", case.call / 1000 * self.seconds)
        return _forked(lambda: self._armed(case), self.place / "told")

    def _armed(self, case: Case) -> int:
        words, (error, from_then_on) = self.scenario.words(self.at), KINDS[case.kind]
        said = os.open(self.place / "calls", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        ctypes.CDLL(None).faults_arm(os.fsencode(self.at), ctypes.c_long(case.call), error, from_then_on, said)
        return self.scenario.run(words)

    def _names(self) -> list[str]:
        return (self.place / "calls").read_text().split()


def _forked(work: Callable[[], int], told: Path, seconds: float | None = None) -> tuple[int, str]:
    """The status of `work` in a process of its own, which is killed after `seconds`, and what it printed on stderr."""
    if (child := os.fork()) == 0:
        try:
            os.dup2(os.open(told, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
            os._exit(work())
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(70)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, ended = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(ended), told.read_text(errors="replace")


def _badly_told(status: int, told: str, case: Case, struck: str) -> str:
    """Whether the command did not end as it should: with 0, or with 1 or 2 and one line."""
    if (status == 137 and case.kind == "ended" and struck) or (status == -signal.SIGKILL and case.kind == KILLED):
        return ""
    if status == 0 and not told:
        return ""
    if status in (1, 2) and told.startswith("drift: ") and told.count("\n") == 1:
        return ""
    return f"status {status}, told {told[-600:]!r}"


def _broken(at: Path) -> str:
    """The first file that is not whole, or the first checkpoint that is not sound; what is half written is named so."""
    for place in sorted(at.rglob("*")):
        if place.is_dir() or any(part.endswith(".partial") for part in place.relative_to(at).parts):
            continue
        try:
            _READ.get(place.suffix, lambda file: None)(place)
        except Exception as error:
            return f"{place.relative_to(at)} is broken: {error}"
    for checkpoints in (at / "run/checkpoints", *at.glob("run/runs/*.unfinished")):
        for each in existing(checkpoints):
            if not is_sound(each):
                return f"{each.relative_to(at)} is not sound"
    return ""


def _lines(file: Path) -> None:
    *whole, _ = file.read_text().split("\n")
    for line in whole:
        json.loads(line)


def _table(file: Path) -> None:
    text = file.read_text()
    assert text.endswith("\n"), "it ends in the midst of a line"
    assert len({len(row) for row in csv.reader(text.splitlines())}) == 1, "its rows have not the same length"


def _picture(file: Path) -> None:
    from PIL import Image

    with Image.open(file) as image:
        image.load()


def _drawing(file: Path) -> None:
    assert file.read_text().rstrip().endswith("</svg>"), "it is cut short"


def _tensors(file: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(file)


_READ: dict[str, Callable[[Path], Any]] = {
    ".json": lambda file: json.loads(file.read_text()),
    ".jsonl": _lines,
    ".yaml": OmegaConf.load,
    ".npy": lambda file: np.load(file, allow_pickle=False),
    ".csv": _table,
    ".parquet": tables.read,
    ".safetensors": _tensors,
    ".png": _picture,
    ".svg": _drawing,
}


def _left(at: Path) -> dict[str, str]:
    """What is left, by file: the hash of its content without what is measured in time."""
    files = sorted(place for place in at.rglob("*") if place.is_file())
    return {str(place.relative_to(at)): hashlib.sha256(_timeless(place)).hexdigest()[:16] for place in files}


def _timeless(file: Path) -> bytes:
    """The content but for times of day, durations, and what a process was called with."""
    if file.name in ("provenance.json", ".lock", "milliseconds.csv") or file.suffix in (".png", ".svg"):
        return b""  # the curves show seconds
    if file.name == "config.yaml":
        return re.sub(rb"(?m)^resume: .*$", b"", file.read_bytes())
    if file.suffix == ".json":
        return repr(_without_times(json.loads(file.read_text()))).encode()
    if file.suffix == ".jsonl":
        return repr([_without_times(json.loads(line)) for line in file.read_text().splitlines()]).encode()
    if file.suffix == ".safetensors":  # whose description may say how long it took
        return b"".join(name.encode() + tensor.tobytes() for name, tensor in sorted(_tensors(file).items()))
    return file.read_bytes()


def _without_times(node: Any) -> Any:
    """And without what it was made with, which figures there are, and whether what was learned was kept."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not _OF_TIME.search(key)}
        return {key: _without_times(value) for key, value in kept.items()}
    return [_without_times(each) for each in node] if isinstance(node, list) else node


def _differing(ours: dict[str, str], usual: dict[str, str], *, figures: bool) -> str:
    """The first file that is not as in a run without a fault. `figures`: those count as well."""
    for name in sorted({*ours, *usual}):
        drawn = Path(name).suffix in (".png", ".svg") and not figures
        if ours.get(name) != usual.get(name) and not drawn:
            how = "is missing" if name not in ours else "is left over" if name not in usual else "differs"
            return f"in the end {name} {how}"
    return ""


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]).resolve())
