"""The settings of a command as its command line makes them."""

from __future__ import annotations

from typing import Any

from drift_cli import command as commands
from drift_cli.shell import compose


def composed(command: str, words: list[str]) -> Any:
    """`drift <command> <words>`, composed and checked."""
    return compose.settings(commands.find(command), words)
