"""Settings of `drift table`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class TableConfig:
    argument: ClassVar = "folder"  # `drift table FOLDER` is `drift table folder=FOLDER`
    writes_to: ClassVar = "leave it out"  # in place of a run folder

    folder: str
