"""A tracker that may fail: it is said once, and the run loses nothing but the tracker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError
from drift_cli.trackers.base import Start, Tracker, numbers_of

TRACKERS = ("none", "tensorboard", "wandb", "mlflow")


def check_installed(name: str, setting: str = "tracker") -> None:
    """Raise `UserError` naming the extra where the tool is not installed."""
    if name != "none" and find_spec(name) is None:
        raise UserError(
            f"{setting}={name} needs the extra {name}, which is not installed: "
            f"pip install 'generative-drifting-bench[{name}]'."
        )


def opened(name: str, start: Start, warn: Callable[[str], None]) -> Guarded | None:
    """The tracker of this name; None for `none`, and, with a warning, where it cannot begin."""
    if name == "none":
        return None
    try:
        kind = getattr(import_module(f"drift_cli.trackers.{name}"), name.title())
        return Guarded(name, kind(start), warn)
    except Exception as error:
        warn(_told(name, error))
        return None


class Guarded:
    """Passes everything on, until the tracker fails for the first time."""

    def __init__(self, name: str, tracker: Tracker, warn: Callable[[str], None]) -> None:
        self.name, self.warn = name, warn
        self.tracker: Tracker | None = tracker

    def log(self, row: Mapping[str, Any]) -> None:
        """A row of metrics.jsonl."""
        self._try(lambda tracker: tracker.log(int(row["step"]), numbers_of(row)))

    def finish(self, step: int, summary: Mapping[str, Any], figures: Mapping[str, Path]) -> None:
        self._try(lambda tracker: tracker.finish(step, numbers_of(summary), figures))

    def _try(self, tell: Callable[[Tracker], None]) -> None:
        if self.tracker is None:
            return
        try:
            tell(self.tracker)
        except Exception as error:
            self.tracker = None
            self.warn(_told(self.name, error))


def _told(name: str, error: Exception) -> str:
    why = (str(error).splitlines() or [""])[0]
    return f"the tracker {name} failed ({type(error).__name__}: {why}) and receives no more data; the run continues"
