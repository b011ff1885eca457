"""The settings of a command as its command line makes them."""

from __future__ import annotations

from typing import Any

from drift_cli import command as commands
from drift_cli.shell import compose
from drift_cli.training.settings import TrainConfig
from tests.problems.runs import SMALL


def composed(command: str, words: list[str]) -> Any:
    """`drift <command> <words>`, composed and checked."""
    return compose.settings(commands.find(command), words)


def small(*words: str, network: bool = True) -> TrainConfig:
    """Those of a small run of `drift train`, which is not made."""
    return composed("train", [*SMALL, *(["generator.widths=[16]"] if network else []), *words])
