"""The settings of a command as its command line makes them."""

from __future__ import annotations

from typing import TypeVar

from hydra import compose, initialize_config_dir

from drift_cli.config import typed
from drift_cli.places import conf_dir

Config = TypeVar("Config")


def composed(command: str, words: list[str], schema: type[Config]) -> Config:
    """`drift <command> <words>`, composed and checked."""
    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        return typed(compose(command, words), schema)
