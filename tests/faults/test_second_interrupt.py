"""Ctrl-C twice, the second time while the first one's checkpoint is written: what it leaves, and what becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drift_cli.shell.cli import main
from tests.problems.processes import heed_interrupts
from tests.problems.runs import SMALL, summary

# The same command with a disk that takes its time, so that there is a moment to interrupt.
SLOW = """
import sys, time
from drift_cli.training import checkpoint
from drift_cli.shell.cli import main
write = checkpoint.write_json
checkpoint.write_json = lambda *args: (time.sleep(60), write(*args))
sys.exit(main(sys.argv[1:]))
"""
STEPS = ("steps=4000", "checkpoint.every=0", "evaluation.every=4000", "generator.widths=[16]")


@pytest.mark.slow
def test_it_ends_at_once_and_the_next_start_sweeps_what_was_half_written(tmp_path: Path) -> None:
    words = ["train", *SMALL, *STEPS]
    folder, whole = tmp_path / "run", tmp_path / "whole"
    running = subprocess.Popen([sys.executable, "-c", SLOW, *words, f"hydra.run.dir={folder}"], text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heed_interrupts)  # noqa: PLW1509  # fmt: skip
    _wait_for(lambda: (folder / "metrics.jsonl").is_file() and (folder / "metrics.jsonl").stat().st_size > 0)
    os.kill(running.pid, signal.SIGINT)
    _wait_for(lambda: list((folder / "checkpoints").glob("*.partial/*.safetensors")))
    began = time.monotonic()
    os.kill(running.pid, signal.SIGINT)
    told = running.communicate(timeout=50)[1]
    assert time.monotonic() - began < 30  # not the minute that the disk takes
    assert running.returncode == 130
    assert "Traceback" not in told
    assert list((folder / "checkpoints").glob("*.partial"))
    assert main(["train", f"resume={folder}"]) == 0
    assert not list(folder.rglob("*.partial"))
    assert main([*words, f"hydra.run.dir={whole}"]) == 0
    assert summary(folder)["sw"] == summary(whole)["sw"]


def _wait_for(there) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)
