"""Small files written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError

_PARTIAL = ".partial"


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A neighbour to write to, which becomes `path` at the end; where the writing fails, `path` stays what it was."""
    beside = path.with_name(path.name + _PARTIAL)
    beside.unlink(missing_ok=True)  # were it a link, what it points to would be written over
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    with whole(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def locked(path: Path) -> Iterator[int | None]:
    """The file `path` held by this process alone, as its descriptor; None where another one holds it.

    Raises `UserError` for a symbolic link: what it points to is somebody else's.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(f"{path} cannot be opened as a lock: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def refuse_links(folder: Path) -> None:
    """Raise `UserError` where something in `folder` is a symbolic link: a run writes, renames and removes in its own
    folder, and through a link it would do so elsewhere."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (place := Path(parent, name)).is_symlink():
                raise UserError(
                    f"{place} is a symbolic link to {os.readlink(place)}: a run writes in its own folder alone. Put "
                    "in its place what it points to, or remove it."
                )


def remove_partial(folder: Path) -> None:
    """Remove what a process that was killed left half written in `folder`, where no other is at work."""
    for left in folder.glob(f"*{_PARTIAL}"):
        left.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Read JSON; raises `UserError` naming the file when it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}.") from error
