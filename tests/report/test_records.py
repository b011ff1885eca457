"""The finished runs of --full in docs/results/full are those that it asks for: nobody makes them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_cli.files import read_json
from drift_cli.report import experiments
from drift_cli.studies.compare_operators import plan
from drift_cli.studies.stop_grad_study import training
from tests.problems.settings import composed

KEPT = Path(__file__).parents[2] / "docs/results/full"
RECORDS = sorted(KEPT.glob("*/runs/*.json"))


def asked(part: str) -> dict[str, dict]:
    """What --full asks of every run of a part, by the run's name."""
    words = next(each for each in experiments.load() if each.name == part).settings["full"]
    if part == "fig3-4":
        jobs = training.planned(composed("stop-grad-study", words))
        return {case.name: job.asked() for case, job in jobs.items()}
    config = composed("compare-operators", words)
    jobs = {**plan.preparations(config), **plan.jobs(config, {}, Path())}
    return {case.name: job.asked() for case, job in jobs.items()}


@pytest.mark.parametrize("record", RECORDS, ids=[record.stem for record in RECORDS])
def test_a_kept_run_is_one_that_is_asked_for(record: Path) -> None:
    kept = read_json(record)
    assert kept["asked"] == asked(record.parents[1].name)[record.stem]
    assert len(kept["origin"]["git_commit"]) == 40


def test_the_design_is_eighteen_runs_of_fifty_thousand_steps() -> None:
    trained = [each["train"] for part in ("fig3-4", "fig5") for each in asked(part).values() if "train" in each]
    assert len(trained) == 18
    assert {(each["steps"], each["batch_size"]) for each in trained} == {(50_000, 2048)}
    assert {tuple(each["generator"]["widths"]) for each in trained} == {(256, 256, 256)}
    assert {each["seed"] for each in trained} == {0, 1, 2}
