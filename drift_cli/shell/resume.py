"""Resuming a run: its own settings hold, and only settings that do not affect the mathematics may change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drift_cli import command as commands
from drift_cli.catalogue import GROUPS
from drift_cli.command import Command
from drift_cli.errors import UserError
from drift_cli.runs.folder import RunFolder
from drift_cli.shell.words import changeable


def merged(command: Command, kept: Any, given: Any, keys: Iterable[str]) -> Any:
    """The settings `kept` by a run, with those of `keys` from the command line. Raises `UserError` for others."""
    allowed = changeable(command.schema())
    for key in keys:
        if key == "resume" or (key in GROUPS and _is_named_to_change_within(key, allowed, kept, given)):
            continue
        if key not in allowed and key.split(".")[0] not in allowed:
            raise UserError(
                f"{key} belongs to the resumed run and cannot change: with resume= only "
                f"{', '.join(allowed)} can be given. Leave it out, or start a new run."
            )
        source, target = given, kept
        *parents, leaf = key.split(".")
        for parent in parents:
            source, target = getattr(source, parent), getattr(target, parent)
        setattr(target, leaf, getattr(source, leaf))
    kept.resume = given.resume
    return kept


def _is_named_to_change_within(group: str, allowed: Iterable[str], kept: Any, given: Any) -> bool:
    """Whether `group=…` only says whose setting is changed: where the data lies now."""
    same = getattr(kept, group).name == getattr(given, group).name
    return same and any(key.startswith(f"{group}.") for key in allowed)


def refuse_foreign(command: Command, resumed: RunFolder) -> None:
    """Raise `UserError` for the folder of another command, naming the one that resumes it."""
    other = resumed.command
    if other in (None, command.name):
        return
    remedy = (
        f"`drift {other} resume={resumed.path}` resumes it"
        if other in commands.names() and changeable(commands.find(other).schema())
        else f"`drift {other}` takes no resume=, so start a new run"
    )
    raise UserError(f"`drift {command.name}` cannot resume {resumed.path}, which `drift {other}` wrote: {remedy}.")
