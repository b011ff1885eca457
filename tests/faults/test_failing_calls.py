"""Disks that are full, disks that fail, and processes that end: at each writing call in turn, here at some of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.failing import KINDS, SCENARIOS, Case, every_case, tried

DRAWN = True  # a scenario has blanks where it does not draw

TRIED = {"train": 8, "resume": 4, "codes": 2, "figures": 3}  # of each; the long form tries all, and the study's

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="the calls that fail are compiled")


def some(calls: int, count: int) -> list[Case]:
    """Cases at even distances: in every part of the command, and in every way."""
    every = every_case(calls)
    step = len(every) / count
    return [every[(int(k * step) // len(KINDS)) * len(KINDS) + k % len(KINDS)] for k in range(count)]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name not in ("careless", "study")])
def test_what_fails_ends_in_a_line_and_what_goes_on_ends_with_the_same_bits(scenario: str, tmp_path: Path) -> None:
    count = TRIED.get(scenario, 3)
    outcomes = list(tried(scenario, lambda calls: some(calls, count), tmp_path))
    assert len(outcomes) == count
    assert [outcome for outcome in outcomes if outcome.wrong] == []
    assert all(outcome.struck for outcome in outcomes)


@pytest.mark.slow
def test_a_careless_command_is_found_out(tmp_path: Path) -> None:
    wrong = {outcome.case.kind: outcome.wrong for outcome in tried("careless", every_case, tmp_path) if outcome.wrong}
    assert "run/run.json is broken" in wrong["ended"]
    assert "run/run.json is broken" in wrong["no space from then on"]
