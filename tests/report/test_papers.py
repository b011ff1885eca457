"""The papers are cited by key, the same ones everywhere."""

from __future__ import annotations

import re
from pathlib import Path

from drift_cli.report import claims, papers

ROOT = Path(__file__).parent.parent.parent
BIB = (ROOT / "docs/references.bib").read_text()


def test_every_paper_of_the_claims_has_a_version_and_a_key() -> None:
    known = {paper.id: paper for paper in papers.load()}
    assert {claim.paper for claim in claims.load()} == {*known, "ours"}
    keys = re.findall(r"^@\w+\{([^,]+),", BIB, flags=re.MULTILINE)
    assert len(set(keys)) == len(keys)
    for paper in known.values():
        assert paper.key in keys
        assert paper.version
        assert paper.arxiv in BIB


def test_the_citation_file_names_what_the_bibliography_does() -> None:
    cited = set(re.findall(r"arxiv\.org/abs/([0-9.]+)", (ROOT / "CITATION.cff").read_text()))
    assert cited
    assert cited <= set(re.findall(r"eprint\s*=\s*\{([0-9.]+)\}", BIB))


def test_every_key_that_is_cited_is_there() -> None:
    keys = set(re.findall(r"^@\w+\{([^,]+),", BIB, flags=re.MULTILINE))
    for file in (ROOT / "docs").glob("*.md"):
        assert set(re.findall(r"\[@([\w-]+)\]", file.read_text())) <= keys
