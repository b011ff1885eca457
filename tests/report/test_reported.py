"""What a digest reports beside what is measured: verdicts follow from the numbers, and the page says them as text."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from drift_cli.report import experiments, page, reported
from drift_cli.report.reported import AGREES, DISAGREES, INCOMPARABLE, NOT_MEASURED, TOO_WIDE, Reported
from tests.report.test_page import NASTY

ENTRY = Reported("x", "Figure 1", "A number.", "4.9e-3", "m", "train", "error", "ours", "little")


def nearest(value: str, **summary: float) -> reported.Compared:
    found = {key.replace("__", "."): number for key, number in summary.items()}
    return reported.compare(replace(ENTRY, value=value), found).nearest


def test_every_number_is_whole_and_named_once() -> None:
    every = reported.load()
    assert len({each.id for each in every}) == len(every)
    ran = {each.command for each in experiments.load()}
    for each in every:
        assert each.what
        assert each.incomparable or each.command in ran
        assert each.field.startswith(each.scan)  # the nearest setting is one of those that are open


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("4.9e-3", 4.85e-3, 4.95e-3),
        ("0.389", 0.3885, 0.3895),
        ("2", 1.5, 2.5),
        ("about 6", 4.5, 7.5),
        ("order 1e-8", 10**-8.5, 10**-7.5),
        ("<= 1", -math.inf, 1),
        (">= 0.95", 0.95, math.inf),
    ],
)
def test_a_number_is_known_to_its_last_digit(value: str, low: float, high: float) -> None:
    assert reported.told_as(value) == pytest.approx((low, high), rel=1e-12)


def test_a_single_number_agrees_within_the_last_digit_and_not_beyond() -> None:
    assert nearest("4.9e-3", error=4.94e-3).verdict == AGREES
    assert nearest("4.9e-3", error=4.96e-3).verdict == DISAGREES
    assert nearest(">= 0.95", error=0.96).verdict == AGREES
    assert nearest(">= 0.95", error=0.94).verdict == DISAGREES
    assert nearest("<= 1", error=1.01).verdict == DISAGREES


def test_an_interval_agrees_where_it_meets_the_number() -> None:
    assert nearest("0.389", error=0.37, error__ci_low=0.35, error__ci_high=0.39).verdict == AGREES
    assert nearest("0.389", error=0.36, error__ci_low=0.34, error__ci_high=0.38).verdict == DISAGREES


def test_one_run_more_counts_before_the_interval_of_the_mean() -> None:
    """A reported number is that of a run, which scatters more than a mean over runs."""
    both = {"error": 0.36, "error__ci_low": 0.35, "error__ci_high": 0.37}
    assert nearest("0.389", **both).verdict == DISAGREES
    assert nearest("0.389", **both, error__next_low=0.32, error__next_high=0.40).verdict == AGREES


def test_an_interval_that_says_nothing_decides_nothing() -> None:
    wide = nearest("0.389", error=1.0, error__next_low=-1.0, error__next_high=3.0)
    assert (wide.verdict, wide.reason) == (INCOMPARABLE, TOO_WIDE)
    assert nearest("0.389", error=1.0, error__next_low=0.3, error__next_high=1.2).verdict == INCOMPARABLE
    assert nearest(">= 0.95", error=0.96, error__ci_low=0.9, error__ci_high=0.99).verdict == INCOMPARABLE
    assert (
        nearest("0.389", error=9.0, error__next_low=2.0, error__next_high=30.0).verdict == DISAGREES
    )  # wide, but apart


def test_what_is_not_measured_cannot_be_compared() -> None:
    for summary in ({}, {"error": math.nan}):
        found = reported.compare(ENTRY, summary)
        assert (found.verdict, found.nearest.reason) == (INCOMPARABLE, NOT_MEASURED)
    nothing = Reported("x", "App. I", "Steps.", "50000", incomparable="a setting")
    assert reported.compare(nothing, {"error": 1.0}).told == f"{INCOMPARABLE}: a setting"


def test_where_another_open_setting_agrees_the_digest_says_too_little() -> None:
    entry = replace(ENTRY, field="at.a", scan="at.", open="a or b")
    found = reported.compare(
        entry, {"at.a": 9.0, "at.b": 4.9e-3, "at.b.next_low": 4e-3, "at.b.next_high": 6e-3, "b": 1}
    )
    assert [each.field for each in found.scanned] == ["at.a", "at.b"]  # ends of intervals are no settings
    assert [each.field for each in found.agreeing] == ["at.b"]
    assert found.nearest.verdict == DISAGREES
    assert found.verdict == INCOMPARABLE
    assert "1 of 2" in found.told
    none = reported.compare(entry, {"at.a": 9.0, "at.b": 8.0})
    assert none.verdict == DISAGREES
    assert none.range == (8.0, 9.0)


@pytest.mark.parametrize(
    "change",
    [
        {"value": "4.9e-3 or so"},
        {"command": ""},
        {"differs": ""},
        {"scan": "at."},
        {"incomparable": "a setting"},
    ],
)
def test_an_entry_that_says_too_little_or_two_things_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="x: "):
        replace(ENTRY, **change)


def shown(folder: Path, summary: dict[str, float]) -> page.Report:
    """A report in which the first part alone has numbers."""
    parts = []
    for at, each in enumerate(experiments.load()):
        parts.append(page.Part(each, "quick", folder / each.name, "" if at == 0 else "its part was not run", 0.0))
    (folder / parts[0].name).mkdir(exist_ok=True)
    origin = {"started": "2026-01-01T10:00", "finished": "2026-01-01T11:00", "device_name": "a", "drift": "0",
              "python": "3", "loops": "eager"}  # fmt: skip
    (folder / parts[0].name / "summary.json").write_text(json.dumps(summary))
    (folder / parts[0].name / "provenance.json").write_text(json.dumps(origin))
    return page.Report.of(parts, "quick", 1, 1.0)


def test_the_page_says_what_the_numbers_say(tmp_path: Path) -> None:
    field = next(each.field for each in reported.load() if each.id == "figure-1-error")
    for value, verdict in ((4.9e-3, AGREES), (0.5, DISAGREES)):
        found = shown(tmp_path, {field: value})
        assert next(each.verdict for each in found.quoted if each.beside.reported.field == field) == verdict
        row = next(line for line in page.markdown(found).splitlines() if f"`fig1/summary.json → {field}`" in line)
        assert row.startswith(f"| {verdict}")
        assert page.number(value) in row
    assert found.quoted_counts[INCOMPARABLE] == len(reported.load()) - 1  # the other parts did not run
    assert NOT_MEASURED in page.html(found)


def test_what_a_digest_says_is_text_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Reported("x", NASTY, NASTY, "1", NASTY, "verify-score", "at.a", NASTY, NASTY, NASTY, "at.")
    monkeypatch.setattr(reported, "load", lambda: [entry])
    found = shown(tmp_path, {"at.a": 2.0, "at.<script>": 1.0})
    written = page.html(found)
    assert written.count("<script") == 1  # the page's own
    assert "&lt;script&gt;alert(1)" in written
    row = next(line for line in page.markdown(found).splitlines() if "alert(1)" in line)
    assert "<script" not in row.replace("\\<script", "")
