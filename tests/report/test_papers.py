"""The papers are cited by key, the same ones everywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from drift_cli.report import claims, papers

ROOT = Path(__file__).parent.parent.parent
BIB = (ROOT / "docs/references.bib").read_text()
ENTRIES = dict(re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", BIB, flags=re.DOTALL | re.MULTILINE))
EPRINTS = set(re.findall(r"eprint\s*=\s*\{([0-9.]+)\}", BIB))
_ARXIV = re.compile(r"(?<![\d.])\d\d(?:0[1-9]|1[0-2])\.\d{5}(?![\d.]\d|\d)")  # YYMM.number, since 2015
_SURNAME = r"(?P<first>[A-ZÀ-Þ][\w-]+)(?: et al\.| & [A-ZÀ-Þ][\w-]+)"
_AUTHORS = re.compile(rf"\b{_SURNAME}(?:\s+\(?(?P<year>(?:19|20)\d\d))?")
_NO_PAPER = {"Weights"}  # & Biases, a tool


def test_every_paper_of_the_claims_has_a_version_and_a_key() -> None:
    known = {paper.id: paper for paper in papers.load()}
    assert {claim.paper for claim in claims.load()} == {*known, "ours"}
    keys = re.findall(r"^@\w+\{([^,]+),", BIB, flags=re.MULTILINE)
    assert len(set(keys)) == len(keys) == len(ENTRIES)
    for paper in known.values():
        assert paper.key in keys
        assert paper.version
        assert paper.arxiv in BIB


def test_the_citation_file_names_what_the_bibliography_does() -> None:
    cited = set(re.findall(r"arxiv\.org/abs/([0-9.]+)", (ROOT / "CITATION.cff").read_text()))
    assert cited
    assert cited <= EPRINTS


def test_every_key_that_is_cited_is_there() -> None:
    keys = set(re.findall(r"^@\w+\{([^,]+),", BIB, flags=re.MULTILINE))
    for file in (ROOT / "docs").glob("*.md"):
        assert set(re.findall(r"\[@([\w-]+)\]", file.read_text())) <= keys


@pytest.mark.parametrize("key", ENTRIES)
def test_every_entry_says_which_version_was_read(key: str) -> None:
    assert re.search(r"^  note\s*= \{.{20,}\},$", ENTRIES[key], flags=re.MULTILINE)


def texts() -> Iterator[tuple[Path, str]]:
    """What people write and read: code, docs, settings, pages; of the kept results the pages alone."""
    kinds = {".py", ".md", ".yaml", ".yml", ".jinja", ".html", ".cpp", ".hpp", ".cff", ".toml", ".sh"}
    folders = [ROOT / name for name in ("drift_cli", "conf", "docs", "examples", "scripts", "tests", ".github")]
    for file in [*ROOT.iterdir(), *(each for folder in folders for each in folder.rglob("*"))]:
        if file.suffix in kinds and file.is_file():
            yield file, file.read_text()


def numbers(text: str) -> set[str]:
    """arXiv's numbers in a text; one that is a decimal fraction looks alike, and none of ours does."""
    return set(_ARXIV.findall(text))


def uncited(text: str) -> set[str]:
    """First authors, with the year where one is given, for whom the bibliography has no key: surname, year, word."""
    found = ((each["first"], each["year"] or "") for each in _AUTHORS.finditer(text))
    plain = {unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode().lower() + year
             for first, year in found if first not in _NO_PAPER}  # fmt: skip
    known = {re.split(r"(?<=\d{4})", key)[0] for key in ENTRIES}
    return plain - known - {re.sub(r"\d+", "", each) for each in known}


def test_every_paper_that_is_cited_anywhere_is_in_the_bibliography() -> None:
    missing = {str(file.relative_to(ROOT)): found for file, text in texts() if (found := numbers(text) - EPRINTS)}
    assert not missing
    missing = {
        str(file.relative_to(ROOT)): found
        for file, text in texts()
        if file != Path(__file__) and file.suffix in {".py", ".md", ".yaml"} and (found := uncited(text))
    }
    assert not missing


def test_a_paper_that_is_not_there_is_found_out() -> None:
    another = "99" + "12.00001"  # in two pieces, or this file would cite it
    assert numbers(f"(Gretton et al. 2605.05118; {another}v2), 2613.00001 and 12605.05118") == {"2605.05118", another}
    wrong = uncited("Nobody et al. say so, and Heus & Others; Székely & Rizzo 2013 (but Feydy et al.\n2020)")
    assert wrong == {"nobody", "heus", "feydy2020"}
