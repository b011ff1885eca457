"""What a tracker receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Start:
    """A run that starts, or resumes after `step` steps: its folder, its settings by dotted keys, its commit."""

    folder: Path
    settings: Mapping[str, Any]
    commit: str | None
    step: int = 0

    @property
    def about(self) -> dict[str, str]:
        return {"folder": str(self.folder.resolve()), "commit": self.commit or "unknown"}


class Tracker(Protocol):
    """Made of a `Start`."""

    def __init__(self, start: Start) -> None: ...

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """The numbers of a step."""

    def finish(self, step: int, numbers: Mapping[str, float], figures: Mapping[str, Path]) -> None:
        """The numbers of the summary, and the figures as PNG by their names; nothing is sent afterwards."""


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """What of a row or of a summary is a number, but for the step."""
    return {
        key: float(value)
        for key, value in row.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and key != "step"
    }
