"""A user's data: moved with its run, changed under it, or made to hurt."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from safetensors.torch import load_file

from drift_cli.shell.cli import main
from tests.problems.runs import train

POINTS = np.random.default_rng(0).normal(size=(90, 2))


def tables(folder: Path, points: np.ndarray, ending: str) -> Path:
    folder.mkdir(exist_ok=True)
    if ending == "csv":
        lines = [f"{a!r},{b!r}" for a, b in points.tolist()]
        (folder / "data.csv").write_text("\n".join(["x1,x2", *lines]) + "\n")
    else:
        np.save(folder / "data.npy", points)
    return folder / f"data.{ending}"


def pictures(folder: Path, points: np.ndarray, ending: str) -> Path:
    """The first points, in [0, 1], as grey images of 2 × 1."""
    folder.mkdir(exist_ok=True)
    pixels = (1 + np.tanh(points)) / 2
    np.savez(folder / "data.npz", images=pixels.reshape(-1, 2, 1), labels=np.arange(len(pixels)) % 2)
    return folder / "data.npz"


KINDS = [("array", tables, "csv"), ("images", pictures, "npz")]


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "written", "ending"), KINDS, ids=["csv", "images"])
def test_a_run_and_its_data_that_moved_go_on_with_the_same_bits_and_other_data_is_refused(
    dataset: str, written: Callable[[Path, np.ndarray, str], Path], ending: str, tmp_path: Path, capfd
) -> None:
    more = [f"dataset={dataset}", "kernel.bandwidth=1", "evaluation.judge=false"]
    more += ["dataset.labels=true"] if dataset == "images" else []
    here = written(tmp_path / "here", POINTS, ending)
    for name in ("never", "run"):
        assert train(tmp_path / name, *more, f"dataset.path={here}") == 0
    assert main(["train", f"resume={tmp_path / 'never'}", "steps=16"]) == 0
    moved = (tmp_path / "run").rename(tmp_path / "elsewhere")
    there = written(tmp_path / "there", POINTS, ending)
    here.unlink()
    resume = ["train", f"resume={moved}", "steps=16"]
    assert main(resume) == 2
    assert "There is no file" in capfd.readouterr().err
    for name, others in (("other rows", POINTS + 1), ("another order", POINTS[::-1].copy())):
        other = written(tmp_path / name, others, ending)
        assert main([*resume, f"dataset.path={other}"]) == 2, name
        told = capfd.readouterr().err
        assert "The data is not the data that" in told
        assert told.count("\n") == 1
    assert main([*resume, f"dataset.path={there}"]) == 0
    last = "checkpoints/step_00000016/model.safetensors"
    ours, theirs = load_file(moved / last), load_file(tmp_path / "never" / last)
    assert all(ours[name].equal(theirs[name]) for name in theirs)
    assert f"path: {there}" in (moved / "config.yaml").read_text()
    capfd.readouterr()
    assert main([*resume[:2], f"dataset.path={there}", "dataset.held_out=0.5"]) == 2
    assert "dataset.held_out belongs to the resumed run" in capfd.readouterr().err


def test_the_place_of_data_that_a_run_has_none_of_is_refused(tmp_path: Path, capfd) -> None:
    assert train(tmp_path / "run") == 0
    assert main(["train", f"resume={tmp_path / 'run'}", "dataset.path=a.csv"]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def inflating(folder: Path, kind: str) -> Path:
    """A small file that unpacks to 40 million numbers, or says so."""
    place = folder / f"bomb.{kind}"
    if kind == "npz":
        np.savez_compressed(place, points=np.zeros((20_000_000, 2), dtype=np.float32))
    elif kind == "parquet":
        parquet.write_table(pa.table({name: np.zeros(20_000_000) for name in "ab"}), place, compression="zstd")
    elif kind == "npy":  # a header alone
        with place.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "<f4", "fortran_order": False, "shape": (20_000_000, 2)}
            )
    else:
        with zipfile.ZipFile(place := folder / "two.npz", "w", zipfile.ZIP_DEFLATED) as members:
            for name in ("images.npy", "labels.npy"):
                with members.open(name, "w") as file:
                    np.lib.format.write_array(file, np.zeros((20_000_000, 1, 1), dtype=np.uint8))
    return place


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet", "two"])
def test_what_unpacks_to_more_than_is_read_is_refused_before_it_is_unpacked(
    kind: str, tmp_path: Path, monkeypatch, capfd
) -> None:
    place = inflating(tmp_path, kind)
    assert place.stat().st_size < 2_000_000
    words = ["train", f"dataset={'images' if kind == 'two' else 'array'}", f"dataset.path={place}"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it is unpacked"))
    monkeypatch.setattr(parquet, "read_table", lambda *_, **__: pytest.fail("it is unpacked"))
    assert main([*words, "dataset.limit=30_000_000"]) == 2
    told = capfd.readouterr().err
    assert "40,000,000 numbers (0.32 GB" in told
    assert "above the limit of 30,000,000" in told
    assert "raise dataset.limit" in told
    assert told.count("\n") == 1
