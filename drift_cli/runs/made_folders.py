"""The folders that a command line makes, so that one that is refused leaves none of them behind."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_noted: set[Path] = set()


def forget() -> None:
    """A new command line begins."""
    _noted.clear()


def note(place: Path, *, below: Path | None = None) -> None:
    """Note `place` and what is above it, as far as they are not there yet; with `below` what lies below that."""
    place = Path(os.path.abspath(place))
    every = (place, *place.parents)
    if below is not None:
        _noted.update(path for path in every if Path(os.path.abspath(below)) in path.parents)
    else:
        _noted.update(path for path in every if not path.exists())


def remove_empty() -> None:
    """Remove what was noted and holds nothing: folders, the deepest first, and a file that is alone in its folder."""
    for path in sorted(_noted, key=lambda path: (len(path.parts), path.is_dir()), reverse=True):
        with suppress(OSError):  # another command may be writing there, or clearing up, at the same moment
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif path.is_file() and list(path.parent.iterdir()) == [path]:
                path.unlink()
