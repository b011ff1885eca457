"""The papers whose claims are tested, with the version of each that the claims refer to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drift_cli.report.entries import entries

FILE = Path(__file__).with_name("papers.yaml")


@dataclass(frozen=True)
class Paper:
    """`key`: in docs/references.bib; `version`: what the claims are of; `versions`: what is known of the others."""

    id: str
    key: str
    authors: str
    title: str
    arxiv: str
    version: str
    versions: str

    @property
    def address(self) -> str:
        return f"https://arxiv.org/abs/{self.arxiv}"


@cache
def load() -> tuple[Paper, ...]:
    """In the order of the file."""
    return tuple(Paper(**entry) for entry in entries(FILE))
