"""Sweeps: whatever the launcher, what became of every job reaches the starter, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drift_cli.commands.train import run as train
from drift_cli.runs.cores import usable
from drift_cli.runs.jobs import Job, Jobs
from drift_cli.shell import launchers, names
from drift_cli.shell.cli import main
from tests.problems.processes import heed_interrupts, offspring
from tests.problems.runs import SMALL, summary

WORDS = [word for word in SMALL if not word.startswith("threads")] + ["generator.widths=[16]"]
LONG = [word for word in WORDS if not word.startswith(("steps", "evaluation.every", "checkpoint"))]
LONG += ["steps=600", "evaluation.every=600", "checkpoint.every=20"]
PARALLEL = [
    ("joblib", "hydra_joblib_launcher"),
    pytest.param("submitit_local", "hydra_submitit_launcher", marks=pytest.mark.slow),
]


def table(folder: Path, name: str, rows: int = 400) -> Path:
    (folder / name).write_text("x,y\n" + "".join(f"{i % 7},{i % 5}\n" for i in range(rows)))
    return folder / name


def sweep_of(folder: Path) -> Path:
    """The one sweep in outputs/."""
    (found,) = (folder / "outputs/train").iterdir()
    return found


@pytest.mark.parametrize(("launcher", "package"), [("basic", "hydra"), *PARALLEL])
def test_a_job_that_fails_reaches_the_starter_and_is_repeated_alone(
    launcher: str, package: str, tmp_path: Path, monkeypatch, capfd
) -> None:
    pytest.importorskip(f"hydra_plugins.{package}" if "_" in package else package)
    monkeypatch.setattr(launchers, "usable", lambda: max(usable(), 2))
    monkeypatch.chdir(tmp_path)
    table(tmp_path, "there.csv")
    words = ["train", "-m", *WORDS, "dataset=array", "dataset.path=there.csv,later.csv", f"hydra/launcher={launcher}"]
    assert main(words) == 1
    told = capfd.readouterr()
    assert f"drift: job 1 (dataset.path=later.csv): There is no file {tmp_path}/later.csv" in told.err
    assert "drift: 1 of 2 jobs failed; the same command repeats it and keeps the other 1." in told.err
    assert "job 0" not in told.err
    folder = sweep_of(tmp_path)
    assert [(folder / f"{at}/summary.json").is_file() for at in range(2)] == [True, False]
    kept = (folder / "0/summary.json").stat().st_mtime_ns
    assert "drift train -m batch_size" in json.loads((folder / "0/provenance.json").read_text())["command"]

    table(tmp_path, "later.csv")
    assert main(words) == 0
    told = capfd.readouterr()
    assert told.err == ""
    assert "job 0 (dataset.path=there.csv) already finished" in told.out
    assert sweep_of(tmp_path) == folder  # the words found it again
    assert (folder / "0/summary.json").stat().st_mtime_ns == kept
    assert summary(folder / "1")["steps"] == 12
    assert "step 12" in (folder / "jobs/1.log").read_text()


@pytest.mark.slow
@pytest.mark.skipif(usable() < 2, reason="joblib starts no process for a job at a time")
def test_a_job_that_is_killed_is_missed_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    """Killed from outside it can say nothing itself; the launcher breaks with it, and what was done is kept."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = [sys.executable, "-m", "drift_cli", "train", "-m", *LONG, "hydra.sweep.dir=sweep",
             "hydra/launcher=joblib", "seed=0,1"]  # fmt: skip
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    place, deadline = tmp_path / "sweep/0/checkpoints", time.monotonic() + 120
    while not list(place.glob("step_*[0-9]")) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in offspring(running.pid):
        os.kill(process, signal.SIGKILL)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "drift: job 0 (seed=0): it was ended from outside" in told
    assert "drift: 2 of 2 jobs failed" in told
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    resumed = json.loads((tmp_path / "sweep/0/provenance.json").read_text())["resumed"]
    assert resumed[0]["from_step"] > 0


@pytest.mark.slow
def test_a_sweep_that_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "drift_cli", "train", "-m", *LONG, "seed=0,1"]
    running = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=heed_interrupts)  # noqa: PLW1509  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("outputs/train/*/0/checkpoints/step_*[0-9]")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    said, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (130, "")
    assert "stopped: the same command resumes" in said
    assert Jobs(sweep_of(tmp_path)).all()[0].status == "stopped"
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((sweep_of(tmp_path) / "0/provenance.json").read_text())["resumed"][0]["from_step"] > 0


def test_the_folder_is_that_of_the_words_wherever_the_jobs_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    one = names.of_sweep("train", ["seed=0,1"])
    assert one[-8:] == names.of_sweep("train", ["seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"])[-8:]
    assert one[-8:] != names.of_sweep("train", ["seed=0,1,2"])[-8:]
    assert one[-8:] != names.of_sweep("train", ["seed=0,1", "hydra/sweeper=optuna"])[-8:]
    earlier = tmp_path / f"outputs/train/2001-01-01_00-00-00-{one[-8:]}"
    earlier.mkdir(parents=True)
    assert names.of_sweep("train", ["seed=0,1"]) == earlier.name


def test_jobs_of_other_settings_are_left_as_they_are(tmp_path: Path, monkeypatch, capsys) -> None:
    """The same folder with other words: what is there is another run's, the second time too."""
    monkeypatch.chdir(tmp_path)
    ran = []
    monkeypatch.setattr(train, "run", lambda config, folder: ran.append(config) or _leave(folder))
    words = ["train", "-m", "seed=0,1", "hydra.sweep.dir=sweep"]
    assert main([*words, "steps=7"]) == 0
    assert main([*words, "steps=7", "threads=1"]) == 0  # the number of threads makes no other run
    assert len(ran) == 2
    for _ in range(2):
        assert main([*words, "steps=8"]) == 1
        told = capsys.readouterr().err
        assert told.count("contains a run with other settings and is left unchanged") == 2
    assert len(ran) == 2


def _leave(folder: Path) -> None:
    (folder / "summary.json").write_text("{}")


def test_two_sweeps_at_once_are_one_too_many(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    within: list[int] = []
    words = ["train", "-m", "seed=0", "hydra.sweep.dir=sweep"]
    again = [sys.executable, "-m", "drift_cli", *words]
    monkeypatch.setattr(train, "run", lambda *_: within.append(subprocess.call(again, stderr=subprocess.DEVNULL)))
    assert main(words) == 0
    assert within == [2]


def test_more_jobs_than_cores_are_refused(refusal) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    many = usable() + 1
    told = refusal("train", "-m", "seed=0,1", "hydra/launcher=joblib", f"hydra.launcher.n_jobs={many}")
    assert told.startswith(f"hydra.launcher.n_jobs={many}: {many} jobs are more than the {usable()} available cores")
    told = refusal("train", "-m", "seed=0,1", f"threads={many}", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1")
    assert f"1 jobs of {many} cores each are more" in told


@pytest.mark.parametrize(
    ("words", "cores", "at_once", "threads"),
    [
        ("seed=0,1,2", 8, 3, 2),
        ("seed=0,1,2", 2, 2, 1),
        ("seed=0,1,2 threads=4", 8, 2, 4),
        ("seed=0,1,2 hydra.launcher.n_jobs=2", 8, 2, 4),
        ("seed=0", 8, 1, 8),
    ],
)
def test_jobs_times_threads_are_the_cores(words: str, cores: int, at_once: int, threads: int, monkeypatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    from drift_cli import command as commands
    from drift_cli.shell import sweep

    monkeypatch.setattr(launchers, "usable", lambda: cores)
    settings = [*words.split(), "hydra/launcher=joblib", "hydra.sweep.dir=x"]
    placed = sweep.check(commands.find("train"), settings).placed
    assert (placed.at_once, placed.threads) == (at_once, threads)
    assert at_once * threads <= cores
    assert f"hydra.launcher.n_jobs={at_once}" in placed.words


@pytest.mark.parametrize(
    ("setting", "extra"),
    [("hydra/launcher=joblib", "joblib"), ("hydra/launcher=submitit", "submitit"), ("hydra/launcher=ray", "ray"),
     ("hydra/sweeper=optuna", "optuna")],
)  # fmt: skip
def test_an_extra_that_is_not_installed_is_named(setting: str, extra: str, tmp_path: Path) -> None:
    without = (
        "import sys; from importlib.machinery import PathFinder\n"
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('hydra_plugins.hydra_'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "import pkgutil; walk = pkgutil.walk_packages\n"
        "pkgutil.walk_packages = lambda *a, **k: (m for m in walk(*a, **k) if 'hydra_plugins.hydra_' not in m.name)\n"
        "from drift_cli.shell.cli import main; raise SystemExit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", without, "train", "-m", "seed=0,1", setting]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    told = (
        f"{setting} needs the extra {extra}, which is not installed: pip install 'generative-drifting-bench[{extra}]'."
    )
    assert done.stderr == f"drift: {told}\n"
    assert not list(tmp_path.iterdir())


def test_a_record_that_is_cut_short_is_none(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    jobs.write(Job(3, ["seed=1"], began=1.0, ended=2.5))
    assert jobs.all()[0].seconds == 1.5
    jobs.record(3).write_text('{"number": 3, "wo')
    assert jobs.all() == []
    jobs.log(3).write_text("one\n\ntwo\n  \n")
    assert jobs.last_words(3) == "two"
