"""The stories of docs/stories: their files and commands as they are printed, with fewer steps, and what they say."""

from __future__ import annotations

import csv
import importlib
import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from drift_cli.runs.cores import usable
from drift_cli.shell.cli import main
from tests.problems.runs import SMALL

ROOT = Path(__file__).parent.parent
STORIES = ROOT / "docs/stories"
_BLOCK = re.compile(r"(?:^`(?P<file>\S+)`\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", flags=re.DOTALL | re.MULTILINE)
FEWER = (*SMALL, "generator.widths=[16]")
_NEEDED = {"joblib": "hydra_joblib_launcher", "submitit": "hydra_submitit_launcher", "optuna": "hydra_optuna_sweeper"}


def commands(story: str) -> list[list[str]]:
    """The words of each command, in the order of the page."""
    shown = [block["text"] for block in _BLOCK.finditer((STORIES / story).read_text()) if block["kind"] == "bash"]
    return [shlex.split(line, comments=True) for text in shown for line in text.replace("\\\n", "").splitlines()]


def small(words: list[str]) -> list[str]:
    """The same training with fewer steps and one seed: what else the story sets itself stays."""
    named = {word.partition("=")[0] for word in words}
    fewer = [each for each in FEWER if each.partition("=")[0] not in named - {"steps", "batch_size"}]
    words = [word.replace("seed=0,1,2", "seed=0") for word in words]
    return [word for word in words if not word.startswith(("steps=", "batch_size="))] + fewer


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`told(story)` writes its files, runs its commands, and gives what each printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)  # of the processes of a launcher

    def run(words: list[str]) -> str:
        capsys.readouterr()
        if words[0] == "export":
            assert words[1:] == ["PYTHONPATH=."]  # as the fixture has it
        elif words[0] == "python":
            runpy.run_path(words[1])
        else:
            assert words[0] == "drift"
            assert main(small(words[1:]) if words[1] == "train" else words[1:]) == 0
        return capsys.readouterr().out

    def tell(story: str) -> list[str]:
        for block in _BLOCK.finditer((STORIES / story).read_text()):
            if block["file"]:
                file = tmp_path / block["file"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block["text"])
        importlib.invalidate_caches()
        return [run(words) for words in commands(story)]

    yield tell
    sys.modules.pop("my_kernel", None)


def rows(folder: str) -> list[dict[str, str]]:
    with open(f"{folder}/runs.csv") as file:
        return list(csv.DictReader(file))


def test_every_story_is_named_and_each_begins_with_a_command() -> None:
    index = (STORIES / "index.md").read_text()
    for page in STORIES.glob("*.md"):
        if page.name != "index.md":
            assert f"({page.name})" in index
            first = next(_BLOCK.finditer(page.read_text()))
            assert first["kind"] == "bash"
            assert page.read_text().count("\n") < 100


def test_my_kernel_stands_beside_laplace_in_one_table(told) -> None:
    *_, table = told("my_kernel.md")
    assert {row["kernel.name"] for row in rows("kernels")} == {"laplace", "my_kernel.Sech"}
    assert all(row["status"] == "finished" for row in rows("kernels"))
    assert "my_kernel.Sech" in table


def test_the_loop_of_ones_own_comes_near_the_data(told) -> None:
    (printed,) = told("my_loop.md")
    distance, floor = map(float, re.findall(r"\d\.\d+", printed))
    assert floor < distance < 0.2  # before training it is about the spread of the data, 1


@pytest.mark.slow
def test_a_digit_of_one_class_at_a_strength_of_guidance(told) -> None:
    told("guided_digits.md")
    plain, typical = np.load("plain.npy"), np.load("typical.npy")
    assert plain.shape == typical.shape
    assert len(plain) == 64
    assert not np.array_equal(plain, typical)


@pytest.mark.slow
@pytest.mark.skipif(usable() < 2, reason="a launcher starts no process for a job at a time")
@pytest.mark.parametrize("engine", ["joblib", "submitit_local", "optuna"])
def test_a_sweep_is_one_table(told, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(f"hydra_plugins.{_NEEDED[engine.removesuffix('_local')]}")
    grid, cluster, tuned = (words for words in commands("sweep.md") if words[1] == "train")
    words = {"joblib": grid, "submitit_local": cluster, "optuna": tuned}[engine]
    fewer = {
        "hydra/launcher=submitit": "hydra/launcher=submitit_local",
        "hydra.sweeper.n_trials=12": "hydra.sweeper.n_trials=2",
        "kernel.bandwidth=0.05,0.1,0.2": "kernel.bandwidth=0.1,0.2",
        "seeds=[0,1]": "seeds=[0]",
    }
    words = [fewer.get(word, word) for word in words]
    (folder,) = (word.partition("=")[2] for word in words if word.startswith("hydra.sweep.dir"))
    assert main(small(words[1:])) == 0
    assert main(["table", folder]) == 0
    assert {row["status"] for row in rows(folder)} == {"finished"}
    assert len(rows(folder)) == 2


def test_on_a_cluster_the_launcher_is_the_one_word_that_differs() -> None:
    grid, cluster, _ = (words for words in commands("sweep.md") if words[1] == "train")
    assert set(grid) ^ set(cluster) == {"hydra/launcher=joblib", "hydra/launcher=submitit"}


def test_a_claim_is_judged_on_my_data(told) -> None:
    *_, verdicts = told("claim_on_my_data.md")
    assert verdicts.count("With the stop-gradient SW-2 falls") == 1
    assert verdicts.count("Without the stop-gradient the samples stay wrong") == 1
    assert {row["gradient_paths"] for row in rows("claim")} == {"none", "both"}
