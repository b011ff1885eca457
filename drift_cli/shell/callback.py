"""What Hydra calls before it makes a folder. Named in conf/base.yaml."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from drift_cli.runs import made_folders

_OF_A_SWEEP = "multirun.yaml"  # Hydra's own note in the folder of a sweep


class NoteFolders(Callback):
    """Notes the folders that Hydra is about to make, and its own note: a refused command leaves none behind."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._note(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._note(config, "hydra.sweep.dir", _OF_A_SWEEP)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """A job's folder below that of its sweep, which is there by now; `on_run_start` noted that of a single run."""
        if config.hydra.mode == RunMode.MULTIRUN:
            made_folders.note(Path(config.hydra.runtime.output_dir), below=Path(config.hydra.sweep.dir))

    def _note(self, config: DictConfig, key: str, *below: str) -> None:
        with suppress(OmegaConfBaseException, OSError):  # Hydra is about to refuse such a folder, and makes none
            made_folders.note(Path(OmegaConf.select(config, key), *below))
