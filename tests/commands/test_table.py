from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path

import pytest

from drift_cli.runs.collection import collect, groups
from drift_cli.shell.cli import main
from tests.problems.runs import SMALL


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    words = ["train", "-m", *SMALL, f"hydra.sweep.dir={folder}", "kernel=gaussian,laplace", "seed=0,1,2"]
    assert main(words) == 0
    return folder


def test_a_sweep_leaves_one_run_per_combination(sweep: Path) -> None:
    assert len(list(sweep.glob("*/summary.json"))) == 6


def test_rows_show_what_differs_and_groups_average_over_seeds(sweep: Path) -> None:
    every = collect(sweep).rows
    assert [tuple(row.settings.items()) for row in every] == [
        (("kernel.name", k),) for k in ["gaussian"] * 3 + ["laplace"] * 3
    ]
    first, second = groups(every)
    assert (first.finished, second.finished) == (3, 3)
    values = [json.loads((sweep / str(job) / "summary.json").read_text())["sw"] for job in range(3)]
    assert first.means["sw"] == pytest.approx(statistics.fmean(values))
    assert first.sds["sw"] == pytest.approx(statistics.stdev(values))


def test_the_table_works_on_a_half_finished_sweep(sweep: Path, capsys: pytest.CaptureFixture) -> None:
    (sweep / "2" / "summary.json").rename(sweep / "2" / "hidden.json")
    try:
        assert main(["table", str(sweep)]) == 0
    finally:
        (sweep / "2" / "hidden.json").rename(sweep / "2" / "summary.json")
    printed = capsys.readouterr().out
    assert "step 12 of 12" in printed
    assert "2 of 3" in printed
    assert "±" in printed
    with (sweep / "runs.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6
    with (sweep / "table.csv").open() as file:
        assert [line["finished"] for line in csv.DictReader(file)] == ["2", "3"]


def test_a_job_that_fails_is_told_and_the_others_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Its settings pass their checks; that its data is not there shows when it is at work."""
    for name in ("one", "two"):
        points = "\n".join(f"{i % 7},{i % 5}" for i in range(400))
        (tmp_path / f"{name}.csv").write_text(f"x,y\n{points}\n")
    paths = ",".join(str(tmp_path / f"{name}.csv") for name in ("one", "none", "two"))
    words = ["train", "-m", *SMALL, f"hydra.sweep.dir={tmp_path}", "dataset=array", f"dataset.path={paths}"]
    assert main(words) == 1
    told = f"There is no file {tmp_path}/none.csv: dataset.path must name a .npy, .npz, .csv, .parquet file."
    assert told in capsys.readouterr().err
    assert sorted(path.parent.name for path in tmp_path.glob("*/summary.json")) == ["0", "2"]


def test_a_sweep_with_a_wrong_setting_starts_no_job(tmp_path: Path, refusal) -> None:
    words = ["train", "-m", *SMALL, f"hydra.sweep.dir={tmp_path}", "kernel.bandwidth=0.2,-1,0.3"]
    assert refusal(*words) == (
        "kernel.bandwidth must be a finite number above 0, got -1.0: give a length (the data has about unit size), "
        "e.g. kernel.bandwidth=0.1. None of the 3 jobs was started; this one is kernel.bandwidth=-1."
    )


def test_a_damaged_neighbour_is_passed_over(sweep: Path, capsys: pytest.CaptureFixture) -> None:
    damaged = {"x": "steps: 3\n", "y": "{", "z": ""}
    for name, text in damaged.items():
        (sweep / name).mkdir()
        (sweep / name / "config.yaml").write_text(text)
    try:
        assert main(["table", str(sweep)]) == 0
    finally:
        for name in damaged:
            (sweep / name / "config.yaml").unlink()
            (sweep / name).rmdir()
    printed = capsys.readouterr().out
    assert printed.count("warning: skipped") == 3
    assert "3 of 3" in printed


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere", "There is no folder nowhere: name one that contains runs, e.g. outputs/train."),
        (".", ". contains no runs: a run is a folder with a config.yaml. Name a folder that contains one."),
    ],
)
def test_a_folder_without_runs_is_refused(place: str, told: str, refusal) -> None:
    assert refusal("table", place) == told
