"""`drift train` in codes: they are learned once, kept with the run, and everything that is shown is decoded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file

from drift_cli import load
from drift_cli.shell.cli import main
from tests.problems.pictures import kept_discs
from tests.problems.runs import metrics, summary, train

CODES = ("space=autoencoder", "space.dimension=3", "space.widths=[4,8]", "space.epochs=3", "space.lr=0.02")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codes")
    assert train(folder / "run", "dataset=array", f"dataset.path={kept_discs(folder)}", *CODES) == 0
    return folder / "run"


@pytest.fixture
def moved(run: Path, tmp_path: Path) -> Path:
    """The run's folder alone, somewhere else."""
    shutil.copytree(run, tmp_path / "elsewhere/run")
    return tmp_path / "elsewhere/run"


def test_a_run_says_what_its_codes_lose(run: Path) -> None:
    found = summary(run)
    assert found["space"] == "autoencoder"
    assert found["space_dimension"] == 3
    assert found["space_error"] > 0
    assert found["space_parameters"] > 0
    assert not any(isinstance(value, (dict, list)) for value in found.values())
    assert 0 < found["sw_floor"] < found["sw"] < 1  # of pixels, as without codes
    snapshot = np.load(sorted((run / "samples").glob("*.npy"))[-1])
    assert snapshot.shape == (64, 120)


def test_the_folder_alone_samples_images(moved: Path, tmp_path: Path) -> None:
    assert main(["sample", f"run={moved}", "n=7", "device=cpu", f"out={tmp_path}/s.npy"]) == 0
    drawn = np.load(tmp_path / "s.npy")
    assert drawn.shape == (7, 12, 10)
    assert drawn.min() > -1e-5
    assert drawn.max() < 1 + 1e-5
    np.testing.assert_array_equal(load(moved, device="cpu").sample(7).points.numpy().reshape(drawn.shape), drawn)


def test_a_resumed_run_ends_as_one_never_stopped(run: Path, moved: Path) -> None:
    last = moved / "checkpoints/step_00000012"
    weights = (last / "model.safetensors").read_bytes()
    assert main(["train", f"resume={moved}/checkpoints/step_00000008", "steps=12"]) == 0
    assert (last / "model.safetensors").read_bytes() == weights
    assert metrics(moved) == metrics(run)


def test_the_codes_are_learned_once_for_equal_runs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = run.parent / "again"
    data = ("dataset=array", f"dataset.path={run.parent / 'discs.npy'}")
    assert train(again, *data, *CODES, "kernel.bandwidth=0.2") == 0
    told = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("space: "))
    assert "120 → 3 codes" in told
    assert "kept" in told
    assert [file.name for file in (again / "learned").iterdir()] == [file.name for file in (run / "learned").iterdir()]


def test_codes_that_are_gone_or_others_are_refused_in_one_line(moved: Path, tmp_path: Path, refusal) -> None:
    (file,) = (moved / "learned").glob("*.safetensors")
    last = moved / "checkpoints/step_00000012"
    sample = ["sample", f"run={moved}", "n=2", f"out={tmp_path}/s.npy"]
    resume = ["train", f"resume={moved}", "steps=13"]
    whole = file.read_bytes()

    file.unlink()
    told = (
        f"There is no {file}, which this run was trained with: put it back (or its data, if that has changed), or "
        "start a new run."
    )
    assert refusal(*resume) == refusal(*sample) == told

    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    told = (
        f"The learned codes ({file.name}) are not those that {last} was trained in: put that file back, or start a "
        "new run."
    )
    assert refusal(*resume) == refusal(*sample) == told

    file.write_bytes(whole[:-9])
    with pytest.raises(SafetensorError) as broken:
        load_file(file)
    told = f"{file} cannot be read ({broken.value}): put it back, or start a new run."
    assert refusal(*resume) == refusal(*sample) == told

    file.write_bytes(whole)
    assert main(resume) == 0


def test_the_data_decides_and_the_run_keeps_what_it_decided(run: Path, tmp_path: Path) -> None:
    assert train(tmp_path / "plane") == 0
    kept = yaml.safe_load((tmp_path / "plane/config.yaml").read_text())
    assert kept["space"] == {"name": "identity"}
    assert not (tmp_path / "plane/learned").exists()
    assert yaml.safe_load((run / "config.yaml").read_text())["space"]["name"] == "autoencoder"


def test_a_run_from_before_there_were_spaces_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    assert train(tmp_path / "new") == 0
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    last, config = "checkpoints/step_00000012", tmp_path / "old/config.yaml"
    shutil.rmtree(tmp_path / "old" / last)
    entries = yaml.safe_load(config.read_text())
    assert entries.pop("space") == {"name": "identity"}
    config.write_text(yaml.safe_dump(entries))
    assert "codec" not in json.loads((tmp_path / "old/checkpoints/step_00000008/state.json").read_text())
    assert main(["train", f"resume={tmp_path}/old"]) == 0
    assert yaml.safe_load(config.read_text())["space"] == {"name": "identity"}
    for name in ("model", "ema", "optimizer"):
        ours, theirs = ((tmp_path / run / last / f"{name}.safetensors").read_bytes() for run in ("old", "new"))
        assert ours == theirs
    assert load(tmp_path / "old").sample(5).points.shape == (5, 2)


def test_refused_settings_leave_nothing_behind(refusal, tmp_path: Path) -> None:
    path = kept_discs(tmp_path)
    words = ("dataset=array", f"dataset.path={path}", "space=autoencoder", "space.widths=[4,4,4,4,4]")
    assert refusal("train", *words) == (
        "space=autoencoder halves an image 5 times, and 12 x 10 pixels are too few: give space.widths fewer entries, "
        "or use space=identity."
    )
    told = "space.noise must be at least 0, got -1.0."
    assert refusal("train", "space=autoencoder", "space.noise=-1") == told
    told = 'There is no space "autoencodr". Did you mean "autoencoder"? Available: auto, autoencoder, identity.'
    assert refusal("train", "space=autoencodr") == told


def test_a_generator_of_images_stays_in_pixels(tmp_path: Path) -> None:
    conv = ("generator=conv", "generator.width=2", "generator.noise=4", "steps=2")
    assert train(tmp_path / "run", "dataset=array", f"dataset.path={kept_discs(tmp_path)}", *conv, network=False) == 0
    assert summary(tmp_path / "run")["space"] == "identity"
