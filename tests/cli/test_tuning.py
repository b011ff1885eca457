"""A search by Optuna: it is told the objective, goes on where it was, and its best trial can be made again."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from drift_cli.commands.train import run as train
from drift_cli.errors import RunFailed
from drift_cli.files import write_json
from drift_cli.shell.cli import main
from tests.problems.settings import composed

SEARCH = ["train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", "seed=3",
          "optimizer.lr=tag(log, interval(1e-5, 1e-1))", "kernel=gaussian,laplace"]  # fmt: skip


def valley(config: Any) -> float:
    """Lowest at a rate of 1e-3 with the Laplace kernel."""
    return (math.log10(config.optimizer.lr) + 3) ** 2 + (config.kernel.name != "laplace")


@pytest.fixture
def ran(tmp_path: Path, monkeypatch) -> list[Any]:
    """The settings of each run, which takes no time and leaves the valley's height as its distance."""
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    monkeypatch.chdir(tmp_path)
    found: list[Any] = []

    def run(config: Any, folder: Path) -> None:
        found.append(config)
        write_json(folder / "summary.json", {"sw": valley(config), "drift_norm": -valley(config), "sw_large": None})

    monkeypatch.setattr(train, "run", run)
    return found


def test_the_best_trial_is_printed_as_the_command_that_makes_it_again(ran: list[Any], capsys) -> None:
    assert main(SEARCH) == 0
    told, command = capsys.readouterr().out.splitlines()[-2:]
    best = min(ran, key=valley)
    assert f"best of 6: {valley(best):.6g}, job {ran.index(best)} in " in told
    words = shlex.split(command)
    assert words[:2] == ["drift", "train"]
    again = composed("train", words[2:])
    assert (again.optimizer.lr, again.kernel.name, again.seed) == (best.optimizer.lr, best.kernel.name, 3)
    (results,) = Path("outputs/train").glob("*/optimization_results.yaml")
    assert math.isclose(OmegaConf.load(results).best_value, valley(best))


def test_the_same_command_makes_no_trial_again_and_more_trials_go_on(ran: list[Any]) -> None:
    """The number of trials is Hydra's word, so that the folder is the same."""
    assert main(SEARCH) == 0
    once = [config.optimizer.lr for config in ran]
    assert main([word.replace("n_trials=6", "n_trials=7") for word in SEARCH]) == 0
    assert [config.optimizer.lr for config in ran][:6] == once
    assert len(ran) == 7


def test_the_objective_and_the_direction_decide(ran: list[Any], capsys) -> None:
    assert main([*SEARCH, "objective=drift_norm", "hydra.sweeper.direction=maximize"]) == 0
    assert f"best of 6: {-valley(min(ran, key=valley)):.6g}, job" in capsys.readouterr().out


def test_a_trial_that_fails_is_the_worst_and_the_search_goes_on(ran: list[Any], monkeypatch, capsys) -> None:
    make = train.run

    def failing(config: Any, folder: Path) -> None:
        if config.kernel.name == "gaussian":
            raise RunFailed("the loss was not finite")
        make(config, folder)

    monkeypatch.setattr(train, "run", failing)
    assert main(SEARCH) == 1
    printed = capsys.readouterr()
    failed = printed.err.count("the loss was not finite")
    assert 0 < failed < 6
    assert f"drift: {failed} of 6 jobs failed" in printed.err
    assert f"best of {6 - failed}:" in printed.out
    assert "kernel=laplace" in printed.out.splitlines()[-1]


def test_an_objective_that_the_summary_has_not_fails_the_trials(ran: list[Any], capsys) -> None:
    assert main(["train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "objective=sw_large"]) == 1
    assert "objective=sw_large is not a number in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("verify-score -m hydra/sweeper=optuna seed=1,2", "`drift verify-score` has no objective that a sweeper could"),
        ("train -m hydra/sweeper=optuna optimizer.lr=interval(-1,1)", "this one is optimizer.lr=-1"),
        ("train objective=swx", 'got "swx". Did you mean "sw"?'),
        ("train seeds=[1,1]", "seeds"),
    ],
)
def test_it_is_refused_before_the_first_trial(words: str, told: str, refusal) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    assert told in refusal(*words.split())
