"""`drift train` in several processes: the run of one; one that is killed; going on with another number of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from drift_cli.shell.cli import main
from tests.problems.processes import heed_interrupts, offspring
from tests.problems.runs import SMALL, metrics, summary, train

ROUNDING = 1e-4  # of float32 sums in another order, after a few steps of Adam


def agree(first: Path, second: Path) -> bool:
    ours, theirs = metrics(first), metrics(second)
    assert [row["step"] for row in ours] == [row["step"] for row in theirs]
    pairs = [(row[key], other[key]) for row, other in zip(ours, theirs, strict=True) for key in row]
    pairs += [(summary(first)[key], summary(second)[key]) for key in ("sw", "drift_norm", "loss")]
    return all(abs(one - other) <= ROUNDING * abs(other) for one, other in pairs)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert train(folder, "steps=400", "checkpoint.every=100", "evaluation.every=100") == 0
    return folder


@pytest.mark.slow
def test_a_killed_process_ends_the_run_in_one_line_and_one_process_goes_on_from_there(whole, tmp_path, capsys) -> None:
    folder, others = tmp_path / "shared", set(multiprocessing.active_children())  # the others are of earlier tests

    def kill_after_a_checkpoint() -> None:
        while not list((folder / "checkpoints").glob("step_*0")):
            time.sleep(0.005)
        (second,) = set(multiprocessing.active_children()) - others
        os.kill(second.pid, signal.SIGKILL)  # type: ignore[arg-type]

    killer = threading.Thread(target=kill_after_a_checkpoint, daemon=True)
    killer.start()
    several = ("distributed.processes=2", "steps=400", "checkpoint.every=100", "evaluation.every=100")
    assert train(folder, *several) == 1
    killer.join()
    told = capsys.readouterr().err
    assert "Of the 2 processes of this run process 2 was ended from outside (SIGKILL)" in told
    assert f"drift train resume={folder} resumes from step_00000" in told
    assert told.count("\n") == 1
    assert set(multiprocessing.active_children()) <= others
    assert main(["train", f"resume={folder}", "distributed.processes=1"]) == 0
    assert agree(folder, whole)
    assert "processes" not in summary(folder)


def test_so_does_one_that_is_killed_before_it_has_come(tmp_path: Path, capsys) -> None:
    others = set(multiprocessing.active_children())

    def kill_at_once() -> None:
        while not (started := set(multiprocessing.active_children()) - others):
            time.sleep(0.005)
        started.pop().kill()

    threading.Thread(target=kill_at_once, daemon=True).start()
    assert train(tmp_path, "distributed.processes=2") == 1
    assert capsys.readouterr().err == (
        "drift: Of the 2 processes of this run process 2 was ended from outside (SIGKILL), and with it the run; there "
        "is no checkpoint yet.\n"
    )


def test_the_comparison_tells_another_seed_apart(whole: Path, tmp_path: Path) -> None:
    assert train(tmp_path, "steps=400", "checkpoint.every=100", "evaluation.every=100", "seed=1") == 0
    assert not agree(tmp_path, whole)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "distributed.processes=40",
            "distributed.processes=40 would leave a process fewer than two of the 64 points of a batch: lower it, or "
            "raise batch_size.",
        ),
        (
            "distributed.exchange=ring drift=sinkhorn",
            "distributed.exchange=ring passes blocks of points on, and drift=sinkhorn needs them "
            "together: use distributed.exchange=gather.",
        ),
        (
            "distributed.exchange=ring gradient_paths=both",
            "distributed.exchange=ring brings no gradient back to the points, which gradient_paths=both needs: use "
            "distributed.exchange=gather.",
        ),
        (
            "distributed.processes=11 dataset=digits dataset.labels=true",
            "distributed.processes=11 is more than the 10 classes, which are not divided: give at most 10, or set "
            "classes.balanced=false.",
        ),
        (
            "distributed.exchange=rnig",
            'distributed.exchange must be one of gather, ring, got "rnig". Did you mean "ring"?',
        ),
    ],
)
def test_what_cannot_be_shared_is_refused_before_any_process_starts(
    words: str, told: str, refusal, monkeypatch
) -> None:
    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", lambda self: pytest.fail("a process started"))
    assert refusal("train", *SMALL, "distributed.processes=2", *words.split()) == told


def under_torchrun(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "-m", "drift_cli")
    return subprocess.run([*torchrun, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
def test_torchrun_makes_the_run_of_one_process_and_one_folder(tmp_path: Path) -> None:
    small = (*SMALL, "generator.widths=[16]")
    done = under_torchrun(tmp_path, "train", *small)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("12 steps") == 1  # one process speaks
    (folder,) = tmp_path.glob("outputs/train/*")
    # Half of 64 samples at 12 steps and the 4 that are logged; the gradients of 114 weights, the loss and |V|.
    told = summary(folder)
    assert (told["processes"], told["bytes_of_points"], told["bytes_of_sums"]) == (
        2,
        32 * 2 * 4 * 16 / 12,
        4 * 116,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs"]
    assert train(tmp_path / "alone") == 0
    assert agree(folder, tmp_path / "alone")


@pytest.mark.slow
def test_torchrun_is_refused_once_for_what_is_no_run(tmp_path: Path) -> None:
    done = under_torchrun(tmp_path, "train", "-m", "seed=0,1")
    told = "torchrun starts several processes of one run of `drift train`, and train -m is not such a run: start it "
    assert done.stderr.count(f"drift: {told}without torchrun.\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_four_processes_stop_together_at_ctrl_c_and_two_go_on(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["train", *SMALL, "generator.widths=[16]", "steps=400", "checkpoint.every=100", "evaluation.every=100"]
    words += [f"hydra.run.dir={folder}", "distributed.processes=4"]
    started = subprocess.Popen(
        [sys.executable, "-m", "drift_cli", *words],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )
    while not list((folder / "checkpoints").glob("step_*0")):
        assert started.poll() is None
        time.sleep(0.005)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait(60) == 130
    assert started.stdout is not None
    assert "stopped after step" in started.stdout.read()
    assert main(["train", f"resume={folder}", "distributed.processes=2"]) == 0
    assert agree(folder, whole)


FAILING = """
from dataclasses import dataclass
import torch
import torch.distributed as dist

@dataclass(frozen=True)
class Failing:
    def __call__(self, kernel, x, data, model, *, paired):
        if dist.is_initialized() and dist.get_rank() == 1:
            raise ArithmeticError("seventeen is not a number")
        return data.mean(dim=0) - x
"""


@pytest.mark.slow
def test_why_a_process_failed_is_said_by_the_first(tmp_path: Path, monkeypatch, capsys) -> None:
    """A class of the user's own, too: the other processes know that it is trusted."""
    (tmp_path / "failing.py").write_text(FAILING)
    (tmp_path / "conf/drift").mkdir(parents=True)
    (tmp_path / "conf/drift/mine.yaml").write_text("name: failing.Failing\n")
    monkeypatch.syspath_prepend(tmp_path)
    own = ("--config-dir", str(tmp_path / "conf"), "drift=mine", "distributed.processes=2")
    assert train(tmp_path / "run", *own) == 1
    told = capsys.readouterr().err
    assert "process 2 stopped (seventeen is not a number), and with it the run; there is no checkpoint yet" in told
    assert told.count("\n") == 1


@pytest.mark.slow
def test_under_torchrun_a_killed_process_ends_the_other(tmp_path: Path) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "-m", "drift_cli")
    words = (*SMALL, "generator.widths=[16]", "steps=100000", "checkpoint.every=50", "hydra.run.dir=run")
    with subprocess.Popen([*torchrun, "train", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as started:
        while not list((tmp_path / "run/checkpoints").glob("step_*0")):
            assert started.poll() is None
            time.sleep(0.005)
        workers = [
            each for each in offspring(started.pid) if b"\0RANK=1\0" in Path(f"/proc/{each}/environ").read_bytes()
        ]
        os.kill(workers[0], signal.SIGKILL)
        _, told = started.communicate(timeout=120)
    assert started.returncode != 0
    assert told.count("Of the 2 processes of this run") <= 1  # torchrun may end the first before it has spoken
    assert not any(Path(f"/proc/{each}").exists() for each in workers)
