"""Trackers: told what metrics.jsonl is told, imported when asked for, and never the end of a run."""

from __future__ import annotations

import builtins
import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from drift_cli import trackers
from drift_cli.shell.cli import main
from drift_cli.trackers.guarded import Guarded
from tests.problems.runs import metrics, summary, train


def events(folder: Path) -> Any:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    return found.Reload()


def curve(read: Any, name: str) -> list[tuple[int, float]]:
    return [(each.step, each.value) for each in read.Scalars(name)]


def same(read: Any, folder: Path) -> None:
    """Every number of metrics.jsonl stands at its step, to TensorBoard's float32."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for name in set(rows[0]) - {"step"}:
        for (step, value), row in zip(curve(read, name), rows, strict=True):
            assert step == row["step"]
            assert math.isclose(value, row[name], rel_tol=1e-6)


def test_tensorboard_is_told_what_metrics_jsonl_is(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert train(tmp_path, "tracker=tensorboard") == 0
    read = events(tmp_path)
    same(read, tmp_path)
    assert math.isclose(curve(read, "summary/sw")[0][1], summary(tmp_path)["sw"], rel_tol=1e-6)
    assert {"curves", "samples"} <= set(read.Tags()["images"])
    (told,) = read.Tensors("settings/text_summary")
    text = told.tensor_proto.string_val[0].decode()
    commit = json.loads((tmp_path / "provenance.json").read_text())["git_commit"]
    assert f"folder: {tmp_path.resolve()}" in text
    assert f"commit: {commit or 'unknown'}" in text
    assert "kernel.bandwidth: 0.1" in text


def test_a_run_that_goes_on_tells_each_step_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert train(tmp_path, "tracker=tensorboard") == 0
    assert main(["train", f"resume={tmp_path}", "steps=20"]) == 0
    same(events(tmp_path), tmp_path)


def test_a_tracker_changes_no_number(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert train(tmp_path / "without") == train(tmp_path / "with", "tracker=tensorboard") == 0
    assert metrics(tmp_path / "without") == metrics(tmp_path / "with")


class Failing:
    """Fails at its third telling."""

    def __init__(self, start: trackers.Start) -> None:
        self.told: list[int] = []

    def log(self, step: int, numbers: dict[str, float]) -> None:
        self.told.append(step)
        if len(self.told) == 3:
            raise ConnectionError("the server is gone\nand more")

    def finish(self, step: int, numbers: dict[str, float], figures: dict[str, Path]) -> None:
        self.told.append(step)


def test_a_tracker_that_fails_warns_once_and_loses_nothing(tmp_path: Path, monkeypatch, capsys) -> None:
    kept: list[Failing] = []

    def opened(name: str, start: trackers.Start, warn: Any) -> Guarded:
        kept.append(Failing(start))
        return Guarded(name, kept[0], warn)

    monkeypatch.setattr(trackers, "opened", opened)
    assert train(tmp_path) == 0
    said = capsys.readouterr().out
    assert (
        said.count("warning: the tracker none failed (ConnectionError: the server is gone) and receives no more data")
        == 1
    )
    assert kept[0].told == [1, 4, 8]  # and nothing at the end
    assert [row["step"] for row in metrics(tmp_path)] == [1, 4, 8, 12]
    assert summary(tmp_path)["steps"] == 12


def test_one_that_cannot_begin_is_a_warning_too(tmp_path: Path) -> None:
    told: list[str] = []
    start = trackers.Start(tmp_path / "a file", {}, None)
    start.folder.write_text("")
    pytest.importorskip("tensorboard")
    assert trackers.opened("tensorboard", start, told.append) is None
    assert len(told) == 1


@pytest.mark.parametrize("name", [name for name in trackers.TRACKERS if name != "none"])
def test_one_that_is_not_installed_is_refused_before_any_training(name: str, refusal, monkeypatch) -> None:
    monkeypatch.setattr("drift_cli.trackers.guarded.find_spec", lambda _: None)
    told = refusal("train", f"tracker={name}")
    remedy = f"pip install 'generative-drifting-bench[{name}]'."
    assert told == f"tracker={name} needs the extra {name}, which is not installed: {remedy}"


def test_none_imports_none(tmp_path: Path, monkeypatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        assert name.partition(".")[0] not in trackers.TRACKERS
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert train(tmp_path) == 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    assert [train(folder / name, f"seed={seed}") for seed, name in enumerate(("one", "two"))] == [0, 0]
    return folder


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_curves_of_many_runs_as_one_table(form: str, runs: Path, capsys) -> None:
    assert main(["export-metrics", str(runs), f"to={form}"]) == 0
    place = runs / f"metrics.{form}"
    assert capsys.readouterr().out.strip() == str(place)
    if form == "csv":
        with place.open() as file:
            found = list(csv.DictReader(file))
    else:
        found = parquet.read_table(place).to_pylist()
    logged = [(name, row) for name in ("one", "two") for row in metrics(runs / name)]
    assert [(row["run"], int(row["step"])) for row in found] == [(name, row["step"]) for name, row in logged]
    assert [float(row["sw"]) for row in found] == [row["sw"] for _, row in logged]


def test_finished_runs_are_exported_to_tensorboard_once(runs: Path) -> None:
    pytest.importorskip("tensorboard")
    for _ in range(2):  # the second time in place of the first
        assert main(["export-metrics", str(runs / "one"), "to=tensorboard"]) == 0
    same(events(runs / "one"), runs / "one")
    assert not (runs / "two/tensorboard").exists()


def test_a_folder_without_curves_is_refused(refusal) -> None:
    told = "There is no folder nowhere: name a run folder, or a folder that contains runs."
    assert refusal("export-metrics", "nowhere") == told
    told = "No run in . has any logged steps: a run is a folder with config.yaml and metrics.jsonl. Name another."
    assert refusal("export-metrics", ".") == told


@pytest.mark.slow
def test_wandb_offline(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert train(tmp_path, "tracker=wandb") == 0
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert main(["train", f"resume={tmp_path}", "steps=20"]) == 0  # it left no link, which a run would refuse


@pytest.mark.slow
def test_mlflow_in_a_folder(tmp_path: Path, monkeypatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert train(tmp_path, "tracker=mlflow") == 0
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("drift")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["kernel.name"] == "laplace"
    history = [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, "sw")]
    assert history == [(row["step"], row["sw"]) for row in metrics(tmp_path)]
    assert run.data.metrics["summary/sw"] == summary(tmp_path)["sw"]
