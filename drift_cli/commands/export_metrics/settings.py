"""Settings of `drift export-metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, choice

FORMS = ("csv", "parquet", "tensorboard")


@dataclass(kw_only=True)
class ExportMetricsConfig(Checked):
    argument: ClassVar = "folder"  # `drift export-metrics FOLDER` is `drift export-metrics folder=FOLDER`
    writes_to: ClassVar = "leave it out"  # in place of a run folder

    folder: str
    to: Annotated[str, choice(FORMS)]
