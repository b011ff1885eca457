"""Small files written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError


def write_json(path: Path, content: Any) -> None:
    """Write JSON to a neighbour first, then rename it into place."""
    beside = path.with_name(path.name + ".partial")
    beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    os.replace(beside, path)


def read_json(path: Path) -> Any:
    """Read JSON; raises `UserError` naming the file when it is missing or broken."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}.") from error
