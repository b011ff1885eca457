"""`drift train` from the command line to the run folder."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from drift_cli.training import loop
from tests.problems.runs import SMALL, metrics, summary, train

EVERY_PART = (
    "drift=batch_normalized",
    "kernel=mixture",
    "schedule=exponential",
    "dataset=checkerboard",
    "optimizer=adamw",
    "ema.decay=0.9",
)


def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    return {f"{file.name}:{key}": t for file in checkpoint.glob("*.safetensors") for key, t in load_file(file).items()}


@pytest.mark.parametrize("settings", [(), EVERY_PART], ids=["defaults", "other parts"])
def test_a_resumed_run_ends_with_the_same_bits_as_one_never_stopped(settings, tmp_path, monkeypatch) -> None:
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    assert train(whole, *settings) == 0

    measured = loop.distance_alone

    def stop_at_step_eight(bench, points, draws, purpose, step=0):
        if step == 8:
            signal.raise_signal(signal.SIGINT)  # Ctrl-C
        return measured(bench, points, draws, purpose, step)

    monkeypatch.setattr(loop, "distance_alone", stop_at_step_eight)
    assert train(halved, *settings) == 130
    assert not (halved / "summary.json").exists()
    monkeypatch.undo()
    assert train_resume(halved) == 0

    last = "checkpoints/step_00000012"
    ours, theirs = tensors(halved / last), tensors(whole / last)
    assert ours.keys() == theirs.keys()
    assert len(ours) > 10
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert metrics(halved) == metrics(whole)
    for key in ("sw", "sw_large", "drift_norm"):
        assert summary(halved)[key] == summary(whole)[key]
    assert sorted(p.name for p in (halved / "checkpoints").iterdir()) == ["step_00000008", "step_00000012"]


def train_resume(folder: Path, *settings: str) -> int:
    from drift_cli.shell.cli import main

    return main(["train", f"resume={folder}", *settings])


def test_the_same_seed_trains_the_same_bits_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert train(tmp_path / name, f"seed={seed}") == 0
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")
    assert metrics(tmp_path / "a") != metrics(tmp_path / "c")


def test_a_run_folder_holds_what_the_docs_say(tmp_path: Path) -> None:
    assert train(tmp_path, "animate=true") == 0
    found = summary(tmp_path)
    for key in ("sw", "sw_floor", "sw_large", "sw_large_floor", "drift_norm", "steps_per_second", "seconds"):
        assert isinstance(found[key], float), key
        assert found[key] > 0
    assert (found["steps"], found["seed"]) == (12, 0)
    assert not any(isinstance(value, (dict, list)) for value in found.values())  # flat
    for key in ("figure_curves", "figure_samples", "figure_evolution", "checkpoint"):
        assert (tmp_path / found[key]).exists()
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["command"].startswith("drift train batch_size=64")
    assert provenance["libraries"]["torch"] == torch.__version__
    assert provenance["peak_memory_bytes"] > 1e7
    assert [row["step"] for row in metrics(tmp_path)] == [1, 4, 8, 12]
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["step_00000008", "step_00000012"]
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(tmp_path.rglob("*.pkl"))


def test_digits_train_with_labels_and_sample_by_class(tmp_path: Path, monkeypatch) -> None:
    from drift_cli.shell.cli import main

    monkeypatch.chdir(tmp_path)
    assert train(tmp_path / "run", "dataset=digits", "dataset.labels=true") == 0
    found = summary(tmp_path / "run")
    assert found["sw_large"] is None
    assert 0 < found["sw_floor"] < found["sw"] < 1  # pixel intensities
    assert (tmp_path / "run" / found["figure_images"]).exists()
    sample = ["sample", "run=run", "n=6", "label=3", "device=cpu"]
    assert main([*sample, "out=threes.npy"]) == 0
    assert np.load("threes.npy").shape == (6, 8, 8)
    assert set(np.load("threes.labels.npy")) == {3}
    assert main([*sample, "out=again.npy"]) == 0
    np.testing.assert_array_equal(np.load("threes.npy"), np.load("again.npy"))
    assert main([*sample, "out=other.npy", "seed=1"]) == 0
    assert not np.array_equal(np.load("threes.npy"), np.load("other.npy"))


def test_a_users_csv_trains_in_its_own_units(tmp_path: Path, monkeypatch, capsys) -> None:
    from drift_cli.shell.cli import main

    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal([170, 1e-3, 5], [10, 1e-4, 2], (300, 3))
    np.savetxt("people.csv", rows, delimiter=",", header="height,rate,age", comments="")
    assert train(tmp_path / "run", "dataset=array", "dataset.path=people.csv", "dataset.columns=[height,rate]") == 0
    printed = capsys.readouterr().out
    assert "marginals" in printed
    assert "height" in printed
    assert "age" not in printed
    assert main(["sample", "run=run", "n=50", "out=new/people.csv"]) == 0
    assert (tmp_path / "new/people.csv").read_text().splitlines()[0] == '"height","rate"'


def test_particles_train_by_sgd_and_say_when_they_have_collapsed(tmp_path: Path, capsys) -> None:
    particles = ("generator=particles", "generator.count=64", "optimizer=sgd")
    assert train(tmp_path / "a", *particles, network=False) == 0
    assert "collapsed" not in capsys.readouterr().out
    found = summary(tmp_path / "a")
    assert (found["collapsed"], found["sw_large"]) == (False, None)
    # One mode of tiny spread: the right answer for this target, and still (nearly) one point beside a wide start.
    one_point = ("dataset=gaussian_mixture", "dataset.std=1e-4", "generator.init=collapsed", "dataset.modes=2")
    tight = ("optimizer.lr=0.5", "kernel.bandwidth=1e-3", "drift.self_term=include", "steps=40")
    assert train(tmp_path / "b", *particles, *one_point, *tight, network=False) == 0
    assert "warning: collapsed: at step" in capsys.readouterr().out
    assert summary(tmp_path / "b")["collapsed"] is True


def test_float64_runs_to_the_end(tmp_path: Path) -> None:
    assert train(tmp_path, "dtype=float64") == 0
    assert load_file(tmp_path / "checkpoints/step_00000012/model.safetensors")["layers.0.weight"].dtype == torch.float64


def test_a_run_that_goes_wrong_names_the_step_the_tensor_and_the_last_checkpoint(tmp_path: Path, capsys) -> None:
    assert train(tmp_path / "a", "optimizer=sgd", "optimizer.lr=1e30") == 1
    assert capsys.readouterr().err == (
        "drift: At step 1 the sw was not finite and the run stopped; there is no checkpoint yet. A lower optimizer.lr "
        "or a larger kernel.bandwidth often helps.\n"
    )
    # A checkpoint is only kept of weights that are numbers, so the last one is a good one.
    assert train(tmp_path / "b", "optimizer=sgd", "optimizer.lr=1e38", "checkpoint.every=1", "evaluation.every=9") == 1
    assert "was not finite" in capsys.readouterr().err
    for kept in (tmp_path / "b/checkpoints").glob("step_*"):
        assert all(torch.isfinite(tensor).all() for tensor in tensors(kept).values())


def test_steps_can_be_added_to_a_finished_run(tmp_path: Path, refusal) -> None:
    assert train(tmp_path) == 0
    assert refusal("train", f"resume={tmp_path}") == (
        f"The run in {tmp_path} has finished all its 12 steps: give a larger steps= to train further."
    )
    assert refusal("train", f"resume={tmp_path}", "kernel.bandwidth=3") == (
        "kernel.bandwidth belongs to the resumed run and cannot change: with resume= only steps, device, threads, "
        "checkpoint.every, checkpoint.keep, dataset.path, dataset.limit, distributed.processes, distributed.exchange, "
        "objective, tracker can be given. Leave it out, or start a new run."
    )
    assert summary(tmp_path)["steps"] == 12  # a refusal loses nothing
    assert train_resume(tmp_path, "steps=16") == 0
    assert summary(tmp_path)["steps"] == 16


def test_a_run_without_a_checkpoint_starts_again_and_says_so(tmp_path: Path, capsys) -> None:
    assert train(tmp_path) == 0
    before = metrics(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "summary.json").unlink()
    assert train_resume(tmp_path) == 0
    assert "no checkpoint yet: starting again" in capsys.readouterr().out
    assert metrics(tmp_path) == before


def test_a_checkpoint_cut_short_is_refused_and_the_one_before_it_offered(tmp_path: Path, refusal) -> None:
    assert train(tmp_path) == 0
    whole = metrics(tmp_path)
    last = tmp_path / "checkpoints/step_00000012/ema.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    previous = tmp_path / "checkpoints/step_00000008"
    assert refusal("train", f"resume={tmp_path}", "steps=13") == (
        f"{last} has changed since it was written (truncated, damaged or altered): its SHA-256 is not that in "
        f"state.json. The one before it: resume={previous}."
    )
    assert train_resume(previous) == 0
    assert metrics(tmp_path) == whole


def test_a_checkpoint_of_another_shape_is_refused(tmp_path: Path, refusal) -> None:
    assert train(tmp_path) == 0
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace("- 16\n", "- 17\n"))
    assert refusal("train", f"resume={tmp_path}", "steps=13") == (
        f"{tmp_path}/checkpoints/step_00000012/model.safetensors has another shape: layers.0.weight is (16, 4) there "
        f"and (17, 4) in these settings. The one before it: resume={tmp_path}/checkpoints/step_00000008."
    )


def test_a_run_folder_is_never_overwritten(tmp_path: Path, refusal) -> None:
    assert train(tmp_path) == 0
    before = metrics(tmp_path)
    assert refusal("train", *SMALL, f"hydra.run.dir={tmp_path}", "seed=3") == (
        ". already contains a run and is left unchanged: resume=. continues it, another hydra.run.dir=… starts a new "
        "one."
    )
    assert metrics(tmp_path) == before


def test_a_run_stopped_while_it_measures_goes_on_there(tmp_path: Path, monkeypatch, capsys) -> None:
    from drift_cli.commands.train import run as experiment

    def ctrl_c(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "measure", ctrl_c)
    assert train(tmp_path) == 130
    assert "stopped after training" in capsys.readouterr().out
    monkeypatch.undo()
    before = metrics(tmp_path)
    assert train_resume(tmp_path) == 0
    assert metrics(tmp_path) == before
    assert summary(tmp_path)["steps"] == 12


def test_a_time_stamp_keeps_its_digits(tmp_path: Path, monkeypatch) -> None:
    """1.7e9 ± 50 needs more digits than float32 has; the samples are written with them."""
    from drift_cli.shell.cli import main

    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal([1.7e9, 3.0], [50, 1], (200, 2))
    np.savetxt("stamps.csv", rows, delimiter=",", header="ts,x", comments="", fmt="%.3f")
    assert train(tmp_path / "run", "dataset=array", "dataset.path=stamps.csv") == 0
    assert main(["sample", "run", "n=500", "out=S.NPY"]) == 0
    assert len(np.unique(np.load(tmp_path / "S.NPY")[:, 0])) > 400


def test_resuming_on_other_data_or_elsewhere(tmp_path: Path, monkeypatch, refusal) -> None:
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(60, 2))
    np.savetxt("points.csv", rows, delimiter=",")
    assert train(tmp_path / "run", "dataset=array", "dataset.path=points.csv") == 0
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert train_resume(tmp_path / "run", "steps=13") == 0  # the path was kept whole
    np.savetxt(tmp_path / "points.csv", 3 * rows + 1, delimiter=",")
    assert refusal("train", f"resume={tmp_path}/run", "steps=14") == (  # an earlier checkpoint would not mend it
        f"The data is not the data that {tmp_path}/run/checkpoints/step_00000013 was trained on: its columns or their "
        "scale have changed. Put the old data back, give its new place with dataset.path=…, or start a new run."
    )


@pytest.mark.parametrize("rows", [2, 3])
def test_the_smallest_sets_train(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(rows, 3)), delimiter=",")
    assert train(tmp_path / "run", "dataset=array", f"dataset.path={path}") == 0
    assert (tmp_path / "run/figures/marginals.png").exists()


def test_an_optimizer_of_another_shape_is_refused(tmp_path: Path, refusal) -> None:
    from safetensors.torch import save_file

    assert train(tmp_path) == 0
    file = tmp_path / "checkpoints/step_00000012/optimizer.safetensors"
    save_file({key: value.reshape(-1)[:1].clone() for key, value in load_file(file).items()}, file)
    state = file.with_name("state.json")  # as of a checkpoint from before there were checksums
    state.write_text(
        json.dumps({key: value for key, value in json.loads(state.read_text()).items() if key != "sha256"})
    )
    offered = f"The one before it: resume={tmp_path}/checkpoints/step_00000008."
    told = f"{file} has another shape: 0.exp_avg is (1,) there, not (16, 4). {offered}"
    assert refusal("train", f"resume={tmp_path}", "steps=13") == told
    state.write_text('{"format": 1}')
    told = f"{state} is incomplete: it lacks 'step'. {offered}"
    assert refusal("train", f"resume={tmp_path}", "steps=13") == told


def test_going_on_from_an_earlier_checkpoint_sets_the_later_ones_aside(tmp_path: Path, capsys, refusal) -> None:
    from drift_cli.shell.cli import main

    assert train(tmp_path) == 0
    assert refusal("train", f"resume={tmp_path}", "steps=11") == (
        f"steps must be at least 12, the step of {tmp_path}/checkpoints/step_00000012, got 11: raise it, or resume "
        "from an earlier checkpoint."
    )
    assert train_resume(tmp_path / "checkpoints/step_00000008", "steps=10") == 0
    assert "set aside" in capsys.readouterr().out
    assert summary(tmp_path)["checkpoint"] == "checkpoints/step_00000010"
    assert summary(tmp_path)["steps"] == 10
    assert main(["sample", f"run={tmp_path}", "n=3", f"out={tmp_path}/s.csv"]) == 0
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["resumed"][0]["from_step"] == 8
    assert "batch_size=64" in provenance["command"]


def test_a_checkpoint_that_a_full_disk_left_is_forgotten_when_the_run_goes_on(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    places = tmp_path / "checkpoints"
    shutil.copytree(places / "step_00000008", places / "step_00000004")
    (tmp_path / "summary.json").unlink()
    assert train_resume(tmp_path) == 0
    assert [place.name for place in sorted(places.iterdir())] == ["step_00000008", "step_00000012"]


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path, refusal) -> None:
    from drift_cli.runs.folder import RunFolder

    assert train(tmp_path) == 0
    told = f"Another process is training in {tmp_path}: wait for it, or stop it."
    with RunFolder(tmp_path).locked():
        assert refusal("train", f"resume={tmp_path}", "steps=13") == told
        assert refusal("train", f"resume={tmp_path}/checkpoints/step_00000008", "steps=10") == told
    assert (tmp_path / "checkpoints/step_00000012").is_dir()  # nothing was set aside
