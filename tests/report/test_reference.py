"""The committed reference run: its page says what its numbers say today, and the README quotes it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from drift_cli.files import read_json
from drift_cli.report import claims, experiments, page

ROOT = Path(__file__).parent.parent.parent
REFERENCE, FULL = ROOT / "docs/results/standard", ROOT / "docs/results/full"
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def report() -> page.Report:
    """The page's contents, judged again from the committed numbers."""
    parts = [page.Part(each, "standard", REFERENCE / each.name, "", 0.0) for each in experiments.load()]
    return page.Report.of(parts, "standard", 2, 0.0)


@pytest.fixture(scope="module")
def full() -> page.Report:
    parts = [
        page.Part(each, "full", FULL / each.name, "" if (FULL / each.name).is_dir() else "its part was not run", 0.0)
        for each in experiments.load()
    ]
    return page.Report.of(parts, "full", 2, 0.0)


def test_the_committed_page_is_that_of_the_committed_numbers(report: page.Report) -> None:
    written = (REFERENCE / "report.md").read_text()
    for line in page.markdown(report).splitlines():
        if line.startswith("| ") and "`" in line:  # a claim with its verdict, number and field
            assert line in written
    shown = (REFERENCE / "report.html").read_text()
    found = Counter(re.findall(r'data-verdict="([^"]+)"', shown))
    assert found == Counter(entry.kind for entry in report.entries)


def test_every_claim_that_can_be_decided_was(report: page.Report) -> None:
    """A verdict may be open because an interval is wide, not because a number is missing."""
    for entry in report.entries:
        assert entry.claim.untestable or entry.judgement.value is not None


def test_it_is_of_the_size_that_it_says_from_commits_that_it_names() -> None:
    origins = [read_json(REFERENCE / each.name / "provenance.json") for each in experiments.load()]
    assert not any(origin["git_changed"] for origin in origins)
    written = (REFERENCE / "report.md").read_text()
    assert all(origin["git_commit"][:10] in written for origin in origins)
    for each, origin in zip(experiments.load(), origins, strict=True):
        assert all(word in origin["command"] for word in each.settings["standard"])


def test_the_readme_quotes_both_sizes(full: page.Report, report: page.Report) -> None:
    """Each row of the README's tables of verdicts is one of the paper's size, and so are the counts in them."""
    quoted = README[README.index("## Which claims hold") : README.index("## Commands")]
    rows = [line for line in quoted.splitlines() if line.startswith("| ") and line.split(" | ")[0] != "| verdict"]
    written = (FULL / "report.md").read_text()
    known = set(claims.Verdict)
    claimed = [row for row in rows if row.removeprefix("| ").split(" | ")[0].partition(":")[0] in known]
    assert len(claimed) >= 10
    for row in claimed:
        assert row.rstrip(" |") in written
    for title, counts in full.by_paper:
        assert f"| {title} | {' | '.join(map(str, counts))} |" in quoted
    beyond = ", ".join(f"{number} {verdict}" for verdict, number in report.counts.items())
    assert beyond in " ".join(quoted.split())


def test_the_pictures_of_the_docs_are_there() -> None:
    for name in ("README.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))):
        for image in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / name).read_text()):
            assert ((ROOT / name).parent / image).is_file(), f"{name}: {image}"
