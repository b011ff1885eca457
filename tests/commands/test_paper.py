"""`drift paper`, with three small parts: what is skipped, what fails, what is killed, and what stays the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from drift_cli.commands.paper import parts as paper_parts
from drift_cli.commands.paper import run as paper
from drift_cli.commands.paper.parts import FINISHED, NOT_STARTED, OTHER, UNFINISHED, Part, Times, alone
from drift_cli.errors import UserError
from drift_cli.report import experiments
from drift_cli.report.experiments import Experiment
from drift_cli.runs.cores import usable
from drift_cli.shell.cli import main
from tests.problems.processes import heed_interrupts, offspring

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SCORE = ["samples=[50,100]", "repeats=2", "queries=4", "field_samples=50", "bandwidths=[0.5]"]
STUDY = ["datasets=[checkerboard]", "generator.widths=[16]", "batch_size=64", "steps=240", "seeds=[0,1,2]", "track=8",
         "points=200", "projections=10", "draws=2", "plane=3", "device=cpu"]  # fmt: skip
BROKEN = ["train=true", "device=cuda"]  # refused where there is no GPU, and the tests hide it


def entry(name: str, command: str, words: list[str], minutes: float, **more) -> dict:
    sizes = ("quick", "standard", "full")
    return {
        "name": name, "command": command, "title": name, "place": "nowhere", "settings": dict.fromkeys(sizes, words),
        "minutes": dict.fromkeys(sizes, minutes), **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    figure = {"place": "Figure 1", "caption": "Fields.", "claims": ["score-identity"],
              "images": [{"file": "figures/fields.png", "alt": "two fields"}]}  # fmt: skip
    every = [
        entry("score", "verify-score", SCORE, 0.1, figures=[figure]),
        entry("study", "stop-grad-study", STUDY, 0.3, workers=["quick"], records=["quick"]),
        entry("broken", "ablate-schedule", BROKEN, 0.2),
    ]
    file = tmp_path_factory.mktemp("listed") / "experiments.yaml"
    OmegaConf.save(OmegaConf.create(every), file)
    return file


def command(listed: Path, out: Path, *words: str) -> list[str]:
    return ["paper", "size=quick", f"out={out}", f"experiments={listed}", "cores=2", *words]


def started(words: list[str], **how) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "drift_cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}, **how,
    )  # fmt: skip


@pytest.fixture(scope="module")
def first(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str, str]:
    """The folder of a run in which one part fails, its exit status, and what it said."""
    out = tmp_path_factory.mktemp("out")
    running = started(command(listed, out))
    said, told = running.communicate(timeout=300)
    return out / "quick", running.returncode, said, told


@pytest.fixture
def folder(first) -> Path:
    return first[0]


def summary(folder: Path, part: str) -> dict[str, float]:
    return json.loads((folder / part / "summary.json").read_text())


def test_a_failed_part_is_reported_at_the_end_and_the_others_are_done(first) -> None:
    folder, status, said, told = first
    assert status == 1
    assert told.startswith("drift: 1 of 3 parts failed: broken (exit 2: drift: device=cuda needs a CUDA GPU")
    assert told.count("\n") == 1
    assert "about" in said.splitlines()[0]  # how long it will take, beforehand
    assert "score: finished" in said
    assert "study: finished" in said
    assert "broken: failed" in said
    assert said.count("confirmed") > 3
    assert (folder / "score/summary.json").is_file()
    assert (folder / "study/summary.json").is_file()
    assert f"{folder / 'report.html'}" in said
    written = (folder / "report.html").read_text()
    assert "its part failed: drift: device=cuda needs a CUDA GPU" in written
    assert "two fields" in written
    assert "needs a CUDA GPU" in (folder / "report.md").read_text()
    assert set(Times.of(folder).parts) == {"score", "study", "broken"}


def test_what_is_finished_is_left_as_it_is(folder: Path, listed: Path, capsys) -> None:
    before = {place: place.stat().st_mtime_ns for part in ("score", "study") for place in (folder / part).rglob("*.*")}
    assert main(command(listed, folder.parent, "parts=[score,study]")) == 0
    assert "2 parts, 2 of them already finished" in capsys.readouterr().out
    assert before == {place: place.stat().st_mtime_ns for place in before}


def test_the_page_alone_is_made_from_what_is_there(folder: Path, listed: Path, tmp_path: Path, refusal) -> None:
    copy = tmp_path / "out"
    shutil.copytree(folder.parent, copy)
    changed = summary(copy / "quick", "score") | {"identity_max_error": 0.5}
    (copy / "quick/score/summary.json").write_text(json.dumps(changed))
    assert main(command(listed, copy, "report=true", f"export={tmp_path / 'kept'}")) == 0
    assert "| not confirmed | Under a Gaussian kernel" in (copy / "quick/report.md").read_text()
    assert json.loads((tmp_path / "kept/score/summary.json").read_text()) == changed
    kept = {str(place.relative_to(tmp_path / "kept")) for place in (tmp_path / "kept").rglob("*") if place.is_file()}
    files = ("summary.json", "config.yaml", "provenance.json")
    runs = {f"study/runs/{place.name}" for place in (copy / "quick/study/runs").glob("*.json")}
    assert len(runs) > 2
    assert kept == {"report.html", "report.md", "score/figures/fields.png"} | runs | {
        f"{part}/{file}" for part in ("score", "study") for file in files
    }
    commands = [json.loads(place.read_text())["command"] for place in (tmp_path / "kept").glob("*/provenance.json")]
    assert len(commands) == 2
    assert not any(str(tmp_path.parent) in told or "hydra.run.dir" in told for told in commands)  # for any machine
    told = f"No part in {tmp_path}/nowhere/quick is finished: omit report=true to run the experiments."
    assert refusal(*command(listed, tmp_path / "nowhere", "report=true")) == told


def test_runs_that_were_kept_are_taken_over_and_those_of_other_settings_are_not(
    folder: Path, listed: Path, tmp_path: Path, capsys
) -> None:
    records, runs = tmp_path / "records/study/runs", sorted((folder / "study/runs").glob("*.json"))
    records.mkdir(parents=True)
    for run in runs[:3]:
        shutil.copyfile(run, records / run.name)
    other = json.loads(runs[0].read_text())
    other["asked"]["track"] += 1
    other["final_sw"] = -1.0
    (records / runs[0].name).write_text(json.dumps(other))
    assert main(command(listed, tmp_path / "out", "parts=[study]", f"records={tmp_path / 'records'}")) == 0
    assert "study: 3 runs reused from" in capsys.readouterr().out
    assert summary(tmp_path / "out/quick", "study") == summary(folder, "study")
    made = {run.name: (tmp_path / "out/quick/study/runs" / run.name).read_text() for run in runs[:3]}
    assert [made[run.name] == run.read_text() for run in runs[:3]] == [False, True, True]
    assert json.loads(made[runs[0].name])["origin"]["finished"] >= json.loads(runs[0].read_text())["origin"]["finished"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_is_stopped_at_any_moment_and_goes_on_with_the_same_numbers(
    folder: Path, listed: Path, tmp_path: Path, how: signal.Signals
) -> None:
    for kept in ("parts", "figures"):  # so that it starts with training
        shutil.copytree(folder / "study" / kept, tmp_path / "quick/study" / kept)
    parts = ("score", "study") if how == signal.SIGKILL else ("study",)
    words = command(listed, tmp_path, f"parts=[{','.join(parts)}]")
    running = started(words, preexec_fn=heed_interrupts)
    runs, deadline = tmp_path / "quick/study/runs", time.monotonic() + 120
    while len(list(runs.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    started_ones = offspring(running.pid)
    assert len(started_ones) >= 2
    running.send_signal(how)
    said, told = running.communicate(timeout=60)
    assert "Traceback" not in said + told
    if how != signal.SIGKILL:
        assert running.returncode == 130
        assert "stopped: the same command resumes" in said
    done = {place: place.stat().st_mtime_ns for place in runs.glob("*.json")}
    assert 2 <= len(done) < 12
    assert not (tmp_path / "quick/study/summary.json").exists()

    assert main(words) == 0  # at once: it waits for what is still ending
    assert not any(Path(f"/proc/{process}").exists() for process in started_ones)
    assert done == {place: place.stat().st_mtime_ns for place in done}
    for part in parts:
        assert summary(tmp_path / "quick", part) == summary(folder, part)  # two runs, one of them stopped: every bit


def test_one_reproduction_at_a_time(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(paper_parts, "_PATIENCE", 0.2)
    with alone(tmp_path), pytest.raises(UserError) as refused, alone(tmp_path):
        pass
    assert str(refused.value) == f"Another reproduction is running in {tmp_path}: wait for it, or stop it."
    with alone(tmp_path):
        pass


def test_a_part_is_finished_with_the_same_settings_and_version_alone(folder: Path, listed: Path, monkeypatch) -> None:
    score, study, broken = (Part(each, "quick", folder / each.name) for each in experiments.load(listed))
    assert (score.state(), study.state(), broken.state()) == (FINISHED, FINISHED, UNFINISHED)
    assert Part(score.experiment, "quick", folder.parent / "elsewhere/score").state() == NOT_STARTED
    for words, state in ((["repeats=3"], OTHER), (["seed=0"], FINISHED)):
        other = replace(score.experiment, settings={"quick": [*SCORE, *words], "standard": [], "full": []})
        assert Part(other, "quick", score.path).state() == state
    quicker = replace(study.experiment, settings={"quick": [*STUDY, "jobs=7"], "standard": [], "full": []})
    assert Part(quicker, "quick", study.path).state() == FINISHED  # how many at a time changes no number
    monkeypatch.setattr(paper_parts, "__version__", "99")
    assert score.state() == OTHER


def test_a_part_that_was_begun_with_settings_that_are_none_any_more_is_begun_anew(folder: Path, listed: Path) -> None:
    _, study, _ = (Part(each, "quick", folder / each.name) for each in experiments.load(listed))
    kept = study.path / "config.yaml"
    before = kept.read_text(), (study.path / "summary.json").read_text(), (study.path / "provenance.json").read_text()
    study.clear()
    assert kept.read_text() == before[0]
    kept.write_text(before[0] + "threads: null\n")  # left out where settings are compared, and unknown to the command
    study.clear()
    assert not kept.exists()
    for name, text in zip(("config.yaml", "summary.json", "provenance.json"), before, strict=True):
        (study.path / name).write_text(text)
    assert study.state() == FINISHED


def test_a_part_is_told_how_many_runs_at_a_time_where_it_makes_any() -> None:
    for each in experiments.load():
        for size in ("quick", "standard", "full"):
            settings = paper_parts.asked(each, size)
            makes_runs = "jobs" in settings and settings.get("train") is not False
            assert ("jobs=3" in Part(each, size, Path("x")).words(3)) == makes_runs, (each.name, size)
    appendix = next(each for each in experiments.load() if each.name == "appF")
    assert appendix.workers == ("standard",)
    with pytest.raises(ValueError, match="workers must name sizes, got fast"):
        replace(appendix, workers=("fast",))


def test_it_says_how_long_it_takes() -> None:
    def part(minutes: float, workers: bool) -> Part:
        sizes = ("quick", "standard", "full")
        settings, times = {size: [] for size in sizes}, dict.fromkeys(sizes, minutes)
        at = ("quick",) if workers else ("full",)
        return Part(Experiment("x", "train", "", "", settings, times, workers=at), "quick", Path())

    assert paper.expected([part(10, True)], 2, 1) == 10
    assert paper.expected([part(10, True)], 1, 1) == 20
    assert paper.expected([part(10, True)], 4, 2) == 10
    assert paper.expected([part(10, False)], 8, 1) == 10  # one thread, however many cores there are
    assert paper.expected([part(10, True), part(6, False)], 2, 1) == 13
    assert 0.05 < paper.slowdown() < 50


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("size=huge", 'size must be one of quick, standard, full, got "huge".'),
        (
            "parts=[fig9]",
            'There is no part "fig9". Did you mean "fig5"? Available: fig1, fig2, flow, fig3-4, fig5, operators, '
            "appF, lai, high-dimension, design-kernel.",
        ),
        ("parts=[]", "parts must name at least one value, got an empty list: name one, or leave it out."),
        (
            "records=nowhere",
            "records must be a folder written by export=, got nowhere, which does not exist: name one, or leave it "
            "out.",
        ),
        (
            "kept=nowhere",
            "kept must be a folder with <size>/<part> of earlier runs, got nowhere, which does not exist: name one, "
            "or leave it out.",
        ),
        ("cores=0", "cores must be from 1 to 1024, got 0."),
        (
            "experiments=nowhere.yaml",
            "There is no file nowhere.yaml: name a list of experiments, or leave it out.",
        ),
        (
            "experiment=fig1",
            "experiment=fig1 is a preset of `drift verify-score`, not of `drift paper`: run `drift verify-score "
            "experiment=fig1`.",
        ),
        ("cores=1024", "cores must be at most the {cores} available here, got 1024: lower it."),
        ("out=/dev/null/x", "out must be a folder, but /dev/null/x/standard is a file: choose another."),
        ("export=/dev/null", "export must be a folder, but /dev/null is a file: choose another."),
        ("export=/proc/x", "export must be a writable folder, got /proc/x: No such file or directory. Choose another."),
    ],
)
def test_it_refuses_in_one_line(words: str, told: str, refusal, tmp_path: Path) -> None:
    assert refusal("paper", words) == told.replace("{tmp}", str(tmp_path)).replace("{cores}", str(usable()))


def test_settings_that_cannot_be_are_refused_before_any_part(refusal, tmp_path: Path) -> None:
    file = tmp_path / "experiments.yaml"
    OmegaConf.save(OmegaConf.create([entry("score", "verify-score", ["repeets=3"], 1)]), file)
    assert refusal("paper", f"experiments={file}") == (
        'Part score: There is no setting "repeets". Did you mean "repeats"? `drift verify-score --help` lists the '
        "settings."
    )


@pytest.mark.parametrize(("words", "status"), [(["--fast"], 2), (["--help"], 0), (["-q"], 2)])
def test_the_script_refuses_what_it_does_not_know(words: list[str], status: int) -> None:
    done = subprocess.run(
        [ROOT / "scripts/reproduce-paper.sh", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status
    assert done.stderr.count("\n") == (status == 2)
    assert ("--standard" in done.stdout) == (status == 0)
