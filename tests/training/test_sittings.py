"""A study's run that is left at any step and gone on with is the run that was never left, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from drift_cli.studies.compare_operators import runs as operator_runs
from drift_cli.studies.stop_grad_study import training as stop_grad_training
from drift_cli.training import sittings
from drift_cli.training import step as training
from tests.problems.settings import composed


class Killed(BaseException):
    """As a signal does, it passes everything that heeds an error."""


@pytest.fixture
def jobs() -> dict[str, object]:
    """A tracked run with a landscape, without the stop-gradient, and runs of both operators of Figure 5."""
    small = ["batch_size=32", "steps=60", "points=50", "projections=5", "draws=2", "generator.widths=[8]"]
    study = composed("stop-grad-study", [*small, "track=12", "plane=3"])
    tracked = next(job for case, job in stop_grad_training.planned(study).items() if case.paths == "both")
    compared = composed("compare-operators", [*small, "experiment=fig5", "track=12"])
    moved = {
        label: operator_runs.generator_run(compared, compared.compared()[label], 3, None)
        for label in ("mean_shift_laplace", "sinkhorn_5e-2")
    }
    return {"tracked": tracked, **moved}


def but_the_clock(found: dict) -> dict:
    """Processor seconds are no two times the same."""
    return {key: value for key, value in found.items() if key != "seconds"}


def made_with_kills(job, folder: Path, at: list[int], monkeypatch: pytest.MonkeyPatch) -> dict:
    """The run, killed after each of `at` steps of a sitting, with a checkpoint every third step."""
    monkeypatch.setattr(sittings, "EVERY", 0.0)
    kept = sittings.Sitting.keep
    monkeypatch.setattr(sittings.Sitting, "keep", lambda s, step, seen: step % 3 == 0 and kept(s, step, seen))
    advance = training.DirectStep.__call__
    for steps in at:
        done = 0

        def counted(self, step: int, steps: int = steps):
            nonlocal done
            done += 1
            if done > steps:
                raise Killed
            return advance(self, step)

        with monkeypatch.context() as patch:
            patch.setattr(training.DirectStep, "__call__", counted)
            with pytest.raises(Killed):
                job.made(folder)
    return job.made(folder)


@pytest.mark.parametrize("name", ["tracked", "mean_shift_laplace", "sinkhorn_5e-2"])
def test_it_ends_with_the_same_bits(name: str, jobs: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken = jobs[name].made(tmp_path / "unbroken")
    assert not (tmp_path / "unbroken").exists()  # a short run keeps nothing
    found = made_with_kills(jobs[name], tmp_path / "broken", [1, 7, 4, 30], monkeypatch)
    assert list((tmp_path / "broken").iterdir()) != []
    assert but_the_clock(found) == but_the_clock(unbroken)


def test_a_run_is_left_where_its_checkpoint_is_and_not_before(jobs: dict, tmp_path: Path, monkeypatch) -> None:
    """The negative control of the test above: it does go on, and does not simply begin anew."""
    began = []
    begin = sittings.Sitting.__init__

    def noted(self, *arguments) -> None:
        begin(self, *arguments)
        began.append(self.step)

    monkeypatch.setattr(sittings.Sitting, "__init__", noted)
    made_with_kills(jobs["tracked"], tmp_path / "run", [7, 4, 30], monkeypatch)
    assert began == [0, 6, 9, 39]


@pytest.mark.parametrize("harm", ["cut", "gone", "other"])
def test_a_checkpoint_that_cannot_be_used_is_not(harm: str, jobs: dict, tmp_path: Path, monkeypatch) -> None:
    job = jobs["tracked"]
    unbroken = job.made(tmp_path / "unbroken")
    if harm == "other":
        made_with_kills(replace(job, track=13), tmp_path / "run", [20], monkeypatch)
    else:
        made_with_kills(job, tmp_path / "run", [20], monkeypatch)
        (place,) = (tmp_path / "run").iterdir()
        file = place / "seen.safetensors"
        file.write_bytes(file.read_bytes()[:100]) if harm == "cut" else (place / "optimizer.safetensors").unlink()
    assert job.made(tmp_path / "run") == unbroken


def test_it_is_kept_now_and_then_and_not_at_every_step(jobs: dict, tmp_path: Path) -> None:
    setup = sittings.Sitting(lambda: stop_grad_training.assemble(jobs["tracked"].settings), tmp_path / "run", {})
    assert not setup.due
    setup.kept -= sittings.EVERY
    assert setup.due
    setup.keep(1, sittings.Seen({"a": [1.0]}, {"b": torch.ones(2)}))
    assert not setup.due
