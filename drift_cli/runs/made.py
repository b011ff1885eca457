"""The folders that a command line makes, so that one that is refused leaves none of them behind."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_OF_A_SWEEP = "multirun.yaml"  # Hydra's own note in the folder of a sweep


class MadeFolders(Callback):
    """Notes, before Hydra makes them, the folders (and its own note) that are not there yet. Named in conf/base.yaml.

    Hydra makes and calls the instance, so what it noted stands on the class; `forget` begins a command line.
    """

    noted: ClassVar[set[Path]] = set()

    @classmethod
    def forget(cls) -> None:
        cls.noted.clear()

    @classmethod
    def remove_empty(cls) -> None:
        """Remove what was noted and holds nothing: folders, the deepest first, and the note of a sweep with no run."""
        for path in sorted(cls.noted, key=lambda path: (len(path.parts), path.is_dir()), reverse=True):
            with suppress(OSError):  # another command may be writing there, or clearing up, at the same moment
                if path.is_dir() and not any(path.iterdir()):
                    path.rmdir()
                elif path.is_file() and list(path.parent.iterdir()) == [path]:
                    path.unlink()

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._note(config, "hydra.run.dir")

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._note(config, "hydra.sweep.dir", _OF_A_SWEEP)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """A job's folder below that of its sweep, which is there by now; `on_run_start` noted that of a single run."""
        if config.hydra.mode == RunMode.MULTIRUN:
            folder, sweep = Path(config.hydra.runtime.output_dir), Path(os.path.abspath(config.hydra.sweep.dir))
            self.noted.update(path for path in (folder, *folder.parents) if sweep in path.parents)

    def _note(self, config: DictConfig, key: str, *below: str) -> None:
        with suppress(OmegaConfBaseException, OSError):  # Hydra is about to refuse such a folder, and makes none
            self.note(Path(OmegaConf.select(config, key), *below))

    @classmethod
    def note(cls, place: Path) -> None:
        """Note `place` and what is above it, as far as they are not there yet."""
        place = Path(os.path.abspath(place))
        cls.noted.update(path for path in (place, *place.parents) if not path.exists())
