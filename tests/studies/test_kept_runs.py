from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from drift_cli.runs.cores import usable
from drift_cli.studies import kept_runs


@dataclass(frozen=True)
class Case:
    name: str


@dataclass(frozen=True)
class Square:
    of: int

    def asked(self) -> dict[str, Any]:
        return {"of": self.of}

    def made(self, unfinished: Path) -> dict[str, Any]:
        return {"square": self.of**2, "process": os.getpid()}


def squares(folder: Path, numbers: list[int], at_once: int) -> dict[str, dict[str, Any]]:
    plan = {Case(f"run_{k}"): Square(number) for k, number in enumerate(numbers)}
    return {case.name: kept for case, kept in kept_runs.each(plan, folder, at_once)}


def test_what_is_kept_is_not_made_again_and_what_was_asked_otherwise_is(tmp_path: Path) -> None:
    first = squares(tmp_path, [1, 2, 3], 1)
    assert [first[f"run_{k}"]["square"] for k in range(3)] == [1, 4, 9]
    written = {place: place.stat().st_mtime_ns for place in sorted(tmp_path.iterdir())}
    second = squares(tmp_path, [1, 5, 3], 1)
    assert second["run_1"]["square"] == 25
    changed = [place.name for place, when in written.items() if place.stat().st_mtime_ns != when]
    assert changed == ["run_1.json"]


def test_several_at_a_time_are_made_in_other_processes(tmp_path: Path) -> None:
    found = squares(tmp_path, [1, 2, 3], 2)
    assert {kept["square"] for kept in found.values()} == {1, 4, 9}
    assert os.getpid() not in {kept["process"] for kept in found.values()}
    assert squares(tmp_path, [1, 2, 3], 2) == found


def test_a_gpu_has_one_run_at_a_time_and_the_cpu_one_per_core_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_runs.at_once_on("cpu", 5) == 5
    assert kept_runs.at_once_on("cpu", None) == usable()
    monkeypatch.setattr(kept_runs.devices, "resolve", lambda name: torch.device("cuda", 0))
    assert kept_runs.at_once_on("auto", 5) == kept_runs.at_once_on("auto", None) == 1
