"""A run with a condition, from the table to the samples: what is generated follows it where the data does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.shell.cli import main
from drift_cli.trained import load
from drift_cli.training.setup import assemble
from tests.problems.runs import SMALL, train
from tests.problems.settings import composed

RNG = np.random.default_rng(0)
DOSE = RNG.uniform(-1, 1, 1000)
FOLLOWS = np.column_stack([DOSE, 5 * DOSE + RNG.normal(size=1000) / 4])


def table(path: Path, rows: np.ndarray) -> str:
    np.savetxt(path, rows, delimiter=",", header="dose,answer", comments="")
    return str(path)


def trained(folder: Path, rows: np.ndarray) -> list[float]:
    """The mean answer at three doses, of a run on these rows."""
    path = table(folder / "a.csv", rows)
    settings = (f"dataset.path={path}", "dataset.condition=[dose]", "steps=300", "batch_size=128", "ema.decay=0.9")
    assert train(folder / "run", "dataset=array", *settings) == 0
    run = load(folder / "run")
    found = [run.sample(500, condition=[dose]).points for dose in (-0.8, 0.0, 0.8)]
    assert all(torch.allclose(points[:, 1], points[:1, 1]) for points in found)
    assert found[2][0, 1] == pytest.approx(0.8, abs=1e-6)
    return [float(points[:, 0].mean()) for points in found]


def test_samples_follow_the_condition_where_the_data_does_and_only_there(tmp_path: Path) -> None:
    (tmp_path / "follows").mkdir()
    (tmp_path / "does not").mkdir()
    # The data's means are −4, 0 and 4 with an overall deviation of 2.9; deaf to the condition, all three are equal.
    assert trained(tmp_path / "follows", FOLLOWS) == pytest.approx([-4, 0, 4], abs=1)
    shuffled = np.column_stack([RNG.permutation(DOSE), FOLLOWS[:, 1]])
    assert trained(tmp_path / "does not", shuffled) == pytest.approx([0, 0, 0], abs=1)


def test_a_condition_is_given_and_does_not_move(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", FOLLOWS)
    setup = assemble(composed("train", ["dataset=array", f"dataset.path={path}", "dataset.condition=[dose]"]))
    batch = setup.data(200, "data", 0)
    x = setup.model.sample(200, setup.stream("noise", 0), None).detach()
    drift = setup.field(setup.kernel_at(0), None, batch)(x, x)
    assert drift.shape == x.shape
    assert drift[:, 1].abs().max() == 0
    assert drift[:, 0].abs().max() > 0


def test_what_a_condition_cannot_be_is_refused(tmp_path: Path, refusal) -> None:
    path = table(tmp_path / "a.csv", FOLLOWS)
    conditional = ("dataset=array", f"dataset.path={path}", "dataset.condition=[dose]")
    assert refusal("train", *SMALL, *conditional, "generator=particles") == (
        "generator=particles has no input for a condition, which dataset.condition gives: use generator=mlp."
    )
    assert train(tmp_path / "run", *conditional) == 0
    sample = ("sample", str(tmp_path / "run"), f"out={tmp_path}/s.csv")
    told = "condition must be one number for each of dose, got 2: give 1."
    assert refusal(*sample, "condition=[1,2]") == told
    assert refusal(*sample, "condition=[nan]") == "each of condition must be a finite number, got nan: give one."
    assert main([*sample, "condition=[0.5]", "n=3"]) == 0
    written = np.loadtxt(tmp_path / "s.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(written[:, 1], 0.5, atol=1e-6)
    assert train(tmp_path / "without", "dataset=array", f"dataset.path={path}") == 0
    told = "condition needs a run with dataset.condition, and this one was trained without: leave it out."
    assert refusal("sample", str(tmp_path / "without"), f"out={tmp_path}/s.csv", "condition=[1]") == told
