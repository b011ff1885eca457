"""Figures, each for itself: one that cannot be drawn costs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from drift_cli.plain_text import message

Drawing = tuple[str, Callable[[], Path]]  # what a figure is called, and what draws it


def each_drawn(drawings: Iterable[Drawing], warn: Callable[[str], None]) -> dict[str, Path]:
    """Every figure that can be drawn, by name. If it fails for any reason, `warn` receives one line."""
    drawn: dict[str, Path] = {}
    waiting, name = iter(drawings), "first"
    while True:
        try:
            name, draw = next(waiting)
            drawn[name] = draw()
        except StopIteration:
            return drawn
        except Exception as error:  # where it is of `drawings` itself, those that would follow are missing too
            warn(message(f"the figure {name} could not be drawn; everything else is kept: {error}"))
