"""Small files written whole or not at all."""

from __future__ import annotations

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
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    with whole(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def remove_partial(folder: Path) -> None:
    """Remove what a process that was killed left half written in `folder`, where no other is at work."""
    for left in folder.glob(f"*{_PARTIAL}"):
        left.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Read JSON; raises `UserError` naming the file when it is missing or broken."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}.") from error
