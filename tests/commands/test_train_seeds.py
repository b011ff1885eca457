"""`drift train seeds=[…]`: the runs that each seed would have been, and the means of their numbers."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from drift_cli.commands.train import run as commands
from drift_cli.shell.cli import main
from tests.problems.runs import metrics, summary, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs") / "averaged"
    assert train(made, "seeds=[0,5]") == 0
    return made


def test_each_is_the_run_of_its_seed(folder: Path, tmp_path: Path) -> None:
    assert train(tmp_path, "seed=5") == 0
    assert metrics(folder / "seed_5") == metrics(tmp_path)
    assert metrics(folder / "seed_0") != metrics(tmp_path)


def test_the_summary_has_the_means(folder: Path) -> None:
    single = [summary(folder / f"seed_{seed}") for seed in (0, 5)]
    for key in ("sw", "drift_norm", "loss"):
        assert summary(folder)[key] == statistics.fmean(each[key] for each in single)
    assert summary(folder)["seeds"] == [0, 5]
    assert "checkpoint" not in summary(folder)  # a text has no mean


def test_what_is_finished_is_kept_and_what_is_not_goes_on(folder: Path, monkeypatch) -> None:
    made = []
    monkeypatch.setattr(commands, "_one", lambda config, path: made.append(path.name))
    text = (folder / "seed_5/summary.json").read_text()
    assert train(folder, "seeds=[0,5]") == 0
    assert made == []
    (folder / "seed_5/summary.json").unlink()
    resumed = []
    monkeypatch.setattr(commands, "_one", lambda config, path: resumed.append(config.resume) or _put(path, text))
    assert train(folder, "seeds=[0,5]") == 0
    assert resumed == [str(folder / "seed_5")]


def _put(path: Path, text: str) -> None:
    (path / "summary.json").write_text(text)


def test_runs_of_other_settings_are_left_as_they_are(folder: Path, capsys) -> None:
    before = summary(folder)
    assert train(folder, "seeds=[0,5]", "optimizer.lr=0.5") == 2
    told = f"{folder} contains runs with other settings and is left unchanged: choose another hydra.run.dir=…."
    assert capsys.readouterr().err == f"drift: {told}\n"
    assert summary(folder) == before


def test_the_table_reads_them_as_runs_that_differ_by_their_seed(folder: Path, capsys) -> None:
    assert main(["table", str(folder.parent)]) == 0
    assert "2 of 2" in capsys.readouterr().out
