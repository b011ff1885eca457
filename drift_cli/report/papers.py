"""The papers whose claims are tested, with the version of each that the claims refer to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

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


def load() -> list[Paper]:
    entries = OmegaConf.to_container(OmegaConf.load(FILE)) or []
    assert isinstance(entries, list)
    return [Paper(**entry) for entry in entries]
