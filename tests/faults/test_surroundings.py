"""What surrounds a command (variables, locale, streams, odd names) changes neither what it does nor what it keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drift_cli.console import make
from drift_cli.plain_text import message, plain
from tests.problems.runs import SMALL

TRAIN = [sys.executable, "-m", "drift_cli", "train", *SMALL, "generator.widths=[16]"]


def drift(*words: str, where: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRAIN, *words], cwd=where, env={**os.environ, **more}, capture_output=True, text=True, check=False,
        timeout=120, encoding="utf-8", errors="replace",
    )  # fmt: skip


def piped(line: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, shell=True, cwd=where, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_a_notebook_s_backend_a_latex_style_and_an_ascii_terminal_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\nbackend: no_such_backend\n")
    odd = {"MPLBACKEND": "module://no_such.backend", "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = drift("hydra.run.dir=odd", where=tmp_path, **odd)
    assert done.returncode == 0, done.stderr
    assert "kernel sigma0 = 0.1" in done.stdout
    plain_run = drift("hydra.run.dir=usual", where=tmp_path, MATPLOTLIBRC=os.devnull)
    assert plain_run.returncode == 0
    for figure in ("samples.svg", "curves.svg"):
        ours, theirs = ((tmp_path / run / "figures" / figure).read_bytes() for run in ("odd", "usual"))
        assert figure != "samples.svg" or ours == theirs  # curves show seconds


@pytest.mark.slow
@pytest.mark.parametrize("away", ["| head -1", ">/dev/full", ">&-"])
def test_a_run_goes_on_where_nobody_takes_what_it_prints(away: str, tmp_path: Path) -> None:
    words = " ".join(f"'{word}'" for word in [*TRAIN, "hydra.run.dir=run"])
    done = piped(f"{words} {away}", tmp_path)
    assert (tmp_path / "run/summary.json").is_file(), done.stderr
    assert "Traceback" not in done.stderr
    if away != ">&-":
        assert done.stderr.count("can no longer be shown") == 1


@pytest.mark.slow
def test_a_memory_too_small_for_torch_is_told(tmp_path: Path) -> None:
    done = piped(f"ulimit -v 400000; {sys.executable} -m drift_cli train device=cpu", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("drift: There is not enough memory to load torch")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    done = piped(f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m drift_cli train", tmp_path)
    assert done.returncode == 2
    assert "drift: The working folder no longer exists" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_with_brackets_are_printed_as_they_are(tmp_path: Path, capsys) -> None:
    make().print("length [mm]", "[/s]", "[bold]x[/bold]", "a :smile: b", highlight=False)
    assert capsys.readouterr().out == "length [mm] [/s] [bold]x[/bold] a :smile: b\n"


@pytest.mark.slow
def test_columns_that_look_like_markup_are_trained_and_shown(tmp_path: Path) -> None:
    table = "length [mm],rate [/s]\n" + "\n".join(f"{a},{b}" for a, b in np.random.default_rng(0).normal(size=(60, 2)))
    (tmp_path / "data.csv").write_text(table)
    done = drift("dataset=array", "dataset.path=data.csv", "hydra.run.dir='run [baseline]'", where=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("length [mm]", "rate [/s]", "run [baseline]/summary.json"):
        assert name in done.stdout


def test_what_could_act_on_a_terminal_is_made_visible() -> None:
    assert plain("a\x1b[2Jb\r\x07c\u202ed") == "a\\x1b[2Jb\\r\\x07c\\u202ed"
    assert plain("größe σ\n") == "größe σ\n"
    assert len(message("x" * 10**6)) < 2100
    assert "\n" not in message("a\nb")
