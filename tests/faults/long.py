"""The long form of these tests: the same cases, many more of them; what is done is kept, and gone on from.

    scripts/faults FOLDER [seed=0] [inputs=10000] [kills=60] [calls=all]

FOLDER gets `done.jsonl`, a line for each part that is done, with its seed and what was wrong; the same command goes on
with the parts that are not. Exit status 1 where anything was wrong.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase

from tests.faults import inputs
from tests.faults.failing import KILLED, SCENARIOS, Case, every_case, tried
from tests.problems.runs import train

AT_ONCE = 100  # inputs of one part
_INPUTS = ("settings", "files", "folders")
_SHARES = (0.5, 0.4, 0.1)


@dataclass(frozen=True)
class Part:
    """`what` is tried, from `first` to before `last`, drawn with `seed`."""

    what: str
    seed: int
    first: int
    last: int


def parts(seed: int, inputs_: int, kills: int, calls: int | None) -> Iterator[Part]:
    """In an order in which each kind comes early."""
    for start in range(0, inputs_, AT_ONCE):
        what = random.Random(seed + start).choices(_INPUTS, _SHARES)[0]
        yield Part(what, seed + start, 0, min(AT_ONCE, inputs_ - start))
    for start in range(0, kills, 10):
        yield Part(KILLED, seed + start, 0, min(10, kills - start))
    for scenario in SCENARIOS:
        if scenario != "careless" and calls != 0:
            yield Part(scenario, seed, 0, -1 if calls is None else calls)


def carried_out(part: Part, run: Path) -> Iterator[str]:
    """For each case what was wrong, "" where nothing was."""
    with tempfile.TemporaryDirectory() as place:
        if part.what in _INPUTS:
            yield from _drawn(part, run, Path(place))
        elif part.what == KILLED:
            when = random.Random(part.seed)
            cases = [Case(when.randrange(1100), KILLED) for _ in range(part.last)]
            yield from (_told(each) for each in tried("train", lambda calls: cases, Path(place)))
        else:
            chosen = random.Random(part.seed).sample if part.last >= 0 else lambda cases, _: cases
            count = part.last

            def some(calls: int) -> list[Case]:
                cases = every_case(calls)
                return chosen(cases, min(count, len(cases)))

            yield from (_told(each) for each in tried(part.what, some, Path(place)))


def _told(outcome: Any) -> str:
    return f"{outcome.case}, {outcome.struck}: {outcome.wrong}" if outcome.wrong else ""


def _drawn(part: Part, run: Path, place: Path) -> Iterator[str]:
    """Inputs as hypothesis draws them, without its search for smaller ones: the seed and the number find them again."""
    strategy, wrong_of = {
        "settings": (inputs.TYPED, inputs.wrong_of),
        "files": (inputs.files(), lambda file: inputs.wrong_of_file(file, place)),
        "folders": (inputs.edits(), lambda edit: inputs.wrong_of_folder(edit, run)),
    }[part.what]
    found: list[str] = []

    @hypothesis.seed(part.seed)
    @hypothesis.settings(max_examples=part.last, deadline=None, database=None, phases=[Phase.generate],
                         suppress_health_check=list(HealthCheck))  # fmt: skip
    @hypothesis.given(strategy)
    def each(drawn: Any) -> None:
        wrong = wrong_of(drawn)  # type: ignore[operator]
        found.append(f"{str(drawn)[:300]}: {wrong}" if wrong else "")

    each()
    yield from found


def table(done: list[dict[str, Any]]) -> str:
    """Cases, and of them those that broke a promise, by what was tried."""
    lines = ["| what | cases | wrong | seeds |", "|---|---|---|---|"]
    for what in dict.fromkeys(each["what"] for each in done):
        own = [each for each in done if each["what"] == what]
        seeds = sorted({each["seed"] for each in own})
        told = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}, {len(seeds)} of them"
        cases, wrong = sum(each["cases"] for each in own), sum(len(each["wrong"]) for each in own)
        lines.append(f"| {what} | {cases:,} | {wrong} | {told} |")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    folder, *settings = words or ["outputs/faults"]
    asked = {"seed": "0", "inputs": "10000", "kills": "60", "calls": "all"} | dict(s.split("=") for s in settings)
    calls = None if asked["calls"] == "all" else int(asked["calls"])
    kept = Path(folder) / "done.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in kept.read_text().splitlines()] if kept.is_file() else []
    before = [(each["what"], each["seed"], each["last"]) for each in done]
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "runs/run"
        _quietly(lambda: train(run))
        for part in parts(int(asked["seed"]), int(asked["inputs"]), int(asked["kills"]), calls):
            if (part.what, part.seed, part.last) in before:
                continue
            began, found = time.monotonic(), list(carried_out(part, run))
            wrong = [each for each in found if each]
            entry = {"what": part.what, "seed": part.seed, "last": part.last, "cases": len(found), "wrong": wrong}
            done.append(entry)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            seconds = time.monotonic() - began
            print(f"{part.what}, seed {part.seed}: {len(found)} cases, {len(wrong)} wrong, {seconds:.0f} s", flush=True)
            for each in wrong:
                print(f"  {each[:1000]}", flush=True)
    print(table(done))
    return int(any(each["wrong"] for each in done))


def _quietly(work: Callable[[], Any]) -> None:
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()):
        work()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
