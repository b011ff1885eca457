from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from drift_cli.errors import UserError
from drift_cli.runs import workers
from drift_cli.runs.cores import usable
from drift_cli.runs.executor import ExecutorConfig
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


def squares(
    folder: Path, numbers: list[int], at_once: int, executor: ExecutorConfig | None = None
) -> dict[str, dict[str, Any]]:
    plan = {Case(f"run_{k}"): Square(number) for k, number in enumerate(numbers)}
    return {case.name: kept for case, kept in kept_runs.each(plan, folder, at_once, executor)}


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


ANOTHER = """
import json, sys, time
from pathlib import Path
from drift_cli.files import locked, write_json
folder = Path(sys.argv[1])
(folder / ".locks").mkdir()
with locked(folder / ".locks/run_0") as held:
    print("has it", flush=True)
    time.sleep(float(sys.argv[2]))
    write_json(folder / "run_0.json", {"asked": {"of": 2}, "square": 4, "process": -1})
"""


def another(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another machine's process, which has the first run in hand for so long."""
    words = [sys.executable, "-c", ANOTHER, str(folder), str(seconds)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "has it\n"
    return started


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_run_that_another_machine_has_in_hand_is_waited_for_and_the_others_are_made(
    at_once: int, tmp_path: Path
) -> None:
    other = another(tmp_path, 3)
    found = squares(tmp_path, [2, 3, 4], at_once)
    assert other.wait() == 0
    assert [found[f"run_{k}"]["square"] for k in range(3)] == [4, 9, 16]
    assert found["run_0"]["process"] == -1
    assert found["run_1"]["process"] > 0


def test_a_holder_that_is_dead_holds_nothing(tmp_path: Path) -> None:
    other = another(tmp_path, 600)
    other.kill()
    other.wait()
    assert squares(tmp_path, [2], 1)["run_0"]["process"] == os.getpid()


def test_what_another_machine_is_writing_is_left_and_what_a_dead_one_left_is_removed(tmp_path: Path) -> None:
    other = another(tmp_path, 2)
    for run in (0, 1):
        (tmp_path / f"run_{run}.json.elsewhere-7.partial").write_text("{")
    kept_runs._remove_partial(tmp_path)
    assert [left.name for left in tmp_path.glob("*.partial")] == ["run_0.json.elsewhere-7.partial"]
    other.kill()
    other.wait()
    kept_runs._remove_partial(tmp_path)
    assert not list(tmp_path.glob("*.partial"))


def refuse() -> None:
    raise UserError("no such thing")


@pytest.mark.slow
def test_a_queue_makes_the_same_runs(tmp_path: Path) -> None:
    """submitit's own local one, which does what its SLURM does but for sbatch."""
    pytest.importorskip("submitit")
    queue = ExecutorConfig(name="submitit_local", minutes=5)
    found = squares(tmp_path, [1, 2, 3], 2, queue)
    assert [found[f"run_{k}"]["square"] for k in range(3)] == [1, 4, 9]
    assert len({kept["process"] for kept in found.values()} | {os.getpid()}) == 4  # a job for each
    assert json.loads((tmp_path / "run_1.json").read_text())["square"] == 4
    with pytest.raises(UserError, match="no such thing") as raised:
        list(workers.each_done([refuse], 1, queue.pool(tmp_path)))
    assert "in refuse" in raised.value.__notes__[0]
    doing = workers.each_done([int, partial(time.sleep, 600)], 2, queue.pool(tmp_path))
    assert next(doing) == (0, 0)
    began = time.monotonic()
    doing.close()  # ends the other
    assert time.monotonic() - began < 60


def test_a_queue_is_told_what_the_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    from drift_cli.runs import queue

    told: dict[str, Any] = {}
    monkeypatch.setattr(queue, "Queue", lambda cluster, folder, settings: told.update(settings, cluster=cluster))
    slurm = ExecutorConfig(name="slurm", partition="gpu", minutes=30, cpus=2, gpus=1)
    slurm.pool(tmp_path)
    assert told == {"cluster": "slurm", "name": "drift", "timeout_min": 30, "cpus_per_task": 2, "mem_gb": 4,
                    "gpus_per_node": 1, "slurm_partition": "gpu"}  # fmt: skip
    assert ExecutorConfig(name="local").pool(tmp_path) is None
    assert slurm.words() == ["executor=slurm", "executor.partition=gpu", "executor.minutes=30", "executor.cpus=2",
                             "executor.gpus=1"]  # fmt: skip
    assert (slurm.at_once(None), slurm.at_once(7)) == (100, 7)
