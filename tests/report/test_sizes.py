"""Whether size changes a verdict: each size is judged from its own numbers, and what was not run is said to be so."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_cli.commands.paper import sizes as beside_sizes
from drift_cli.commands.paper.sizes import beside
from drift_cli.report import claims, experiments, page, sizes
from drift_cli.report.claims import Verdict
from drift_cli.report.experiments import SIZES

CLAIM = claims.Claim("x", "TO", "Fig. 4", "It trains.", False, "train", "ratio", "<= 2", training=True)


@pytest.fixture(autouse=True)
def only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    other = claims.Claim("y", "TO", "Thm 1", "It holds.", False, "train", "ratio", "<= 2")
    monkeypatch.setattr(claims, "load", lambda: [CLAIM, other])
    monkeypatch.setattr(claims, "of", lambda command: [CLAIM, other] if command == "train" else [])


def row(**ratios: float) -> sizes.Row:
    (found,) = sizes.compare({size: [("train", {"ratio": value})] for size, value in ratios.items()})
    return found


def test_each_size_is_judged_by_its_own_numbers() -> None:
    found = row(quick=3.0, standard=1.0)
    assert [found.verdicts[size] and found.verdicts[size].verdict for size in SIZES] == [
        Verdict.REFUTED,
        Verdict.CONFIRMED,
        None,
    ]
    assert found.at("quick") == f"{Verdict.REFUTED} (3)"
    assert found.at("full") == sizes.NOT_RUN
    assert (found.changed, found.told) == (True, "yes")


def test_a_verdict_that_stays_is_not_changed_and_one_alone_says_nothing() -> None:
    assert row(quick=1.5, standard=1.0, full=1.2).told == "no"
    assert row(standard=1.0).changed is None
    assert row(standard=1.0, full=float("nan")).changed is None  # of two sizes one decides nothing


def test_another_command_with_the_same_field_is_not_taken_for_it() -> None:
    (found,) = sizes.compare({"quick": [("sample", {"ratio": 1.0}), ("train", {"other": 1.0})]})
    assert found.at("quick") == sizes.NOT_RUN


def test_a_page_shows_the_sizes_beside_its_own() -> None:
    nothing = [page.Part(each, "quick", Path("none"), "its part was not run", 0.0) for each in experiments.load()]
    found = page.Report.of(nothing, "quick", 1, 1.0, {"standard": [("train", {"ratio": 1.0})]})
    assert f"| It trains. | not run | {Verdict.CONFIRMED} (1) | not run | – |" in page.markdown(found)
    assert f"<td>{Verdict.CONFIRMED} (1)</td>" in page.html(found)


def test_finished_results_are_found_beside_and_others_are_left(tmp_path: Path) -> None:
    """Reference runs are kept at the standard and the full size; the size that is shown is not taken from elsewhere."""
    found = beside(experiments.load(), "quick", tmp_path, None)
    assert set(found) == {"standard", "full"}
    for measured in found.values():
        assert {command for command, _ in measured} >= {"stop-grad-study", "compare-operators"}
    assert "standard" not in beside(experiments.load(), "standard", tmp_path, None)


def test_a_part_without_its_settings_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside_sizes, "_kept_results", lambda: None)
    place = tmp_path / "full" / experiments.load()[0].name
    place.mkdir(parents=True)
    (place / "summary.json").write_text("{}")
    assert beside(experiments.load(), "quick", tmp_path, tmp_path)["full"] == []
