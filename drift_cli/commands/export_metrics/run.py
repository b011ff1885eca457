"""`drift export-metrics FOLDER`: the contents of every run's `metrics.jsonl`, as one table or for TensorBoard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
from omegaconf import OmegaConf
from pyarrow import csv, parquet

from drift_cli.commands.export_metrics.settings import ExportMetricsConfig
from drift_cli.config.flat import below
from drift_cli.console import make as make_console
from drift_cli.errors import UserError
from drift_cli.files import read_json, whole
from drift_cli.runs.folder import RunFolder
from drift_cli.trackers.base import Start, numbers_of
from drift_cli.trackers.guarded import check_installed


def run(config: ExportMetricsConfig, _: Path) -> list[Path]:
    """Write it; where it lies. Raises `UserError` where no run has logged anything."""
    if config.to == "tensorboard":
        check_installed("tensorboard", "to")
    top = Path(config.folder)
    if not top.is_dir():
        raise UserError(f"There is no folder {top}: name a run folder, or a folder that contains runs.")
    runs = [RunFolder(place.parent) for place in sorted(top.rglob("metrics.jsonl"))]
    runs = [run for run in runs if run.is_run and run.read_metrics()]
    if not runs:
        raise UserError(
            f"No run in {top} has any logged steps: a run is a folder with config.yaml and metrics.jsonl. Name another."
        )
    try:
        written = [_events(run) for run in runs] if config.to == "tensorboard" else [_table(runs, top, config.to)]
    except OSError as error:
        raise UserError(f"{error.filename or top} cannot be written: {error.strerror}.") from error
    for place in written:
        make_console().print(str(place), highlight=False, soft_wrap=True)
    return written


def _table(runs: list[RunFolder], top: Path, form: str) -> Path:
    """A row for each logged step of each run; `run` is its folder, as seen from `top`."""
    rows = [{"run": str(run.path.relative_to(top)), **row} for run in runs for row in run.read_metrics()]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = pa.table({key: [row.get(key) for row in rows] for key in columns})
    place = top / f"metrics.{form}"
    with whole(place) as beside:
        (csv.write_csv if form == "csv" else parquet.write_table)(table, str(beside))
    return place


def _events(run: RunFolder) -> Path:
    """The run's event files, in place of those that it had."""
    from drift_cli.trackers.tensorboard import Tensorboard

    place = run.path / "tensorboard"
    shutil.rmtree(place, ignore_errors=True)
    commit = read_json(run.provenance).get("git_commit") if run.provenance.is_file() else None
    settings = below("", OmegaConf.to_container(OmegaConf.load(run.config)))  # data, in which nothing is looked up
    tracker, step = Tensorboard(Start(run.path, settings, commit)), 0
    for row in run.read_metrics():
        step = row["step"]
        tracker.log(step, numbers_of(row))
    summary = read_json(run.summary) if run.is_finished else {}
    tracker.finish(step, numbers_of(summary), {each.stem: each for each in sorted(run.figures.glob("*.png"))})
    return place
