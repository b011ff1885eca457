"""Settings of `drift paper`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, choice, within
from drift_cli.errors import UserError
from drift_cli.report.experiments import SIZES
from drift_cli.rules import different, not_empty
from drift_cli.runs.cores import usable
from drift_cli.runs.executor import ExecutorConfig


@dataclass(kw_only=True)
class PaperConfig(Checked):
    writes_to: ClassVar = "write out=FOLDER"  # in place of a run folder

    size: Annotated[str, choice(SIZES)]
    out: str
    parts: list[str] | None = None
    cores: Annotated[int | None, within(1, 1024)] = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    report: bool
    export: str | None = None
    records: str | None = None
    kept: str | None = None
    experiments: str | None = None

    @property
    def destination(self) -> str:
        """The folder that is written."""
        return str(Path(self.out) / self.size)

    def check_together(self) -> None:
        if self.parts is not None:
            not_empty("parts", self.parts)
            different("parts", self.parts)
        if self.records is not None and not Path(self.records).is_dir():
            raise UserError(
                f"records must be a folder written by export=, got {self.records}, which does not exist: name one, "
                "or leave it out."
            )
        if self.kept is not None and not Path(self.kept).is_dir():
            raise UserError(
                f"kept must be a folder with <size>/<part> of earlier runs, got {self.kept}, which does not exist: "
                "name one, "
                "or leave it out."
            )
        if self.cores is not None and self.cores > usable():
            raise UserError(f"cores must be at most the {usable()} available here, got {self.cores}: lower it.")
