"""Settings of `drift paper`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.errors import UserError
from drift_cli.report.experiments import SIZES
from drift_cli.rules import between, different, not_empty, one_of
from drift_cli.runs.cores import usable


@dataclass
class PaperConfig:
    choices: ClassVar = {"size": SIZES}
    writes_to: ClassVar = "write out=FOLDER"  # in place of a run folder

    size: str = MISSING
    out: str = MISSING
    parts: list[str] | None = None
    cores: int | None = None
    report: bool = MISSING
    export: str | None = None
    records: str | None = None
    kept: str | None = None
    experiments: str | None = None

    @property
    def destination(self) -> str:
        """The folder that is written."""
        return str(Path(self.out) / self.size)

    def __post_init__(self) -> None:
        one_of("size", self.size, SIZES)
        if self.parts is not None:
            not_empty("parts", self.parts)
            different("parts", self.parts)
        if self.records is not None and not Path(self.records).is_dir():
            raise UserError(f"records must be a folder that export= wrote, got {self.records}: there is none.")
        if self.kept is not None and not Path(self.kept).is_dir():
            raise UserError(
                f"kept must be a folder with <size>/<part> of earlier runs, got {self.kept}: there is none."
            )
        if self.cores is not None:
            between("cores", self.cores, 1, 1024)
            if self.cores > usable():
                raise UserError(f"cores must be at most the {usable()} that there are here, got {self.cores}.")
