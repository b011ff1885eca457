"""The worked examples of the docs: Python runs as it stands, what is to be added is added to a copy and used."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.problems.runs import SMALL

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# A block of code, below the file that it belongs to where a line names one.
_BLOCK = re.compile(r"(?:^`(?P<file>\S+)`\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", flags=re.DOTALL | re.MULTILINE)
EXAMPLES = [
    (page.name, block["text"])
    for page in PAGES
    for block in _BLOCK.finditer(page.read_text())
    if block["kind"] == "python" and not block["file"]
]
ADDING = (ROOT / "docs/adding.md").read_text()
COMPARED = ("particle_steps=4", "particles=20", "etas=[0.3]", "forms=[particles]", "starts=[far]", "seeds=[0]",
            "points=100", "draws=1", "rounds=1", "jobs=1")  # fmt: skip


def test_there_is_an_example() -> None:
    assert "adding.md" in dict(EXAMPLES)


@pytest.mark.parametrize(("page", "example"), EXAMPLES, ids=[page for page, _ in EXAMPLES])
def test_an_example_of_the_docs_runs(page: str, example: str) -> None:
    exec(compile(example, page, "exec"), {"__name__": "example"})


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with every block of docs/adding.md that names a file."""
    copy = tmp_path_factory.mktemp("extended")
    for name in ("drift_cli", "conf", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for block in _BLOCK.finditer(ADDING):
        if block["file"]:
            _add(copy / block["file"], block["kind"], block["text"])
    return copy


def _add(file: Path, kind: str, text: str) -> None:
    if kind != "diff":
        assert not file.exists()
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return
    lines = text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] == " ")
    after = "".join(line[1:] for line in lines)
    assert {line[0] for line in lines} == {" ", "+"}
    assert file.read_text().count(before) == 1, f"{file.name} has no one place for:\n{text}"
    file.write_text(file.read_text().replace(before, after))


def _run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=copy, capture_output=True, text=True, check=False,
        env=environment | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.slow
def test_the_commands_of_what_is_added_run(extended: Path) -> None:
    shown = [block["text"] for block in _BLOCK.finditer(ADDING) if block["kind"] == "bash"]
    commands = [shlex.split(line) for text in shown for line in text.splitlines()]
    small = {"train": (*SMALL, "generator.widths=[16]"), "compare-operators": COMPARED, "verify-translation": ()}
    assert {words[1] for words in commands} == set(small)
    for at, (_, command, *settings) in enumerate(commands):
        ran = _run(extended, "drift_cli", command, *small[command], *settings, f"hydra.run.dir=run{at}")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert (extended / f"run{at}/summary.json").is_file()


@pytest.mark.slow
def test_the_added_study_decides_its_claims_and_belongs_to_the_paper(extended: Path) -> None:
    assert "drift verify-translation" in _run(extended, "drift_cli", "--help").stdout
    ran = _run(extended, "drift_cli", "verify-translation", "hydra.run.dir=translation")
    assert ran.stdout.count(" confirmed") == 2
    assert "could not be drawn" not in ran.stdout + ran.stderr
    assert (extended / "translation/data/translation.csv").read_text().count("\n") == 4
    ran = _run(extended, "drift_cli", "paper", "size=quick", "parts=[translation]", "out=paper")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "The drift moves with the data" in (extended / "paper/quick/report.md").read_text()


@pytest.mark.slow
def test_what_is_added_is_refused_as_the_rest_is(extended: Path) -> None:
    ran = _run(extended, "drift_cli", "train", "dataset=two_spirals", "dataset.turns=0")
    assert ran.returncode == 2
    assert "dataset.turns" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_the_identities_of_the_kernels_test_the_added_one(extended: Path) -> None:
    ran = _run(extended, "pytest", "-v", "-p", "no:cacheprovider", "tests/kernels/test_kernels.py",
               "tests/fused/test_kernel_mean.py", "-k", "sech")  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed
    assert int(passed[1]) >= 5


def test_an_example_for_a_place_that_is_not_there_is_found_out(extended: Path) -> None:
    with pytest.raises(AssertionError, match="no one place"):
        _add(extended / "conf/kernel/sech.yaml", "diff", " bandwidth: 7\n+alpha: 1\n")
