"""The words of a command line: flags, and settings as Hydra has them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_cli import catalogue
from drift_cli import command as commands
from drift_cli.command import Command
from drift_cli.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from drift_cli.runs.folder import RunFolder

_LONGEST = 200  # characters of a setting's name
MULTIRUN = ("-m", "--multirun")
_CFG = ("-c", "--cfg")
_FLAGS = (*MULTIRUN, "--resolve", "--hydra-help")
_CONFIG_DIR = ("-cd", "--config-dir")
_WITH_VALUE: dict[str, tuple[str, ...]] = {  # and its choices, where it has some
    **dict.fromkeys(_CFG, ("job", "hydra", "all")),
    **dict.fromkeys(("-i", "--info"), ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")),
    **dict.fromkeys(("-p", "--package", *_CONFIG_DIR, "-sc", "--shell-completion"), ()),
}


def read(command: Command, words: list[str]) -> tuple[list[str], list[str]]:
    """Flags, and the other words as Hydra overrides: a bare one is the main argument; a resumed run keeps its folder.

    Raises `UserError` for what Hydra would take and the command has no use for.
    """
    command = with_own(command, words)
    catalogue.look_in(command.own)
    flags, settings = _flags_first(command, words)
    schema = command.schema()
    argument, writes_to = getattr(schema, "argument", None), getattr(schema, "writes_to", None)
    for place, written in enumerate(settings[:]):
        word = settings[place] = readable(written)
        key, equals, value = word.lstrip("+").partition("=")
        if len(key) > _LONGEST and equals:
            raise UserError(f'There is no setting "{key[:20]}…" of {len(key)} characters.')
        if key == "trust":
            settings[place] = ""
            catalogue.trust([name.strip() for name in unquoted(value).strip("[]").split(",") if name.strip()])
        elif argument and ("=" not in word or _is_there(word)):
            if any(other.startswith(f"{argument}=") for other in settings):
                raise UserError(f'`drift {command.name}` takes one {argument}, got "{word}" as well.')
            settings[place] = f"{argument}={quoted(word)}"
        elif value.startswith("[") and value.endswith("]") and (options := command.options(key)):
            raise UserError(f'{key} must be one of {", ".join(options)}, got the list "{value}".')
        elif key == "experiment":
            _refuse_foreign_preset(command, unquoted(value))
        elif key == "hydra.run.dir" and writes_to:
            raise UserError(f"`drift {command.name}` has no run folder, got {word}: {writes_to}.")
        elif changeable(schema) and key == "resume" and equals and unquoted(value) not in ("null", ""):
            from drift_cli.runs.folder import RunFolder

            folder = RunFolder.containing(unquoted(value))
            settings.append(f"hydra.run.dir={quoted(str(folder.path))}")
            settings += _whose(changeable(schema), settings, folder)
    return flags, [word for word in settings if word]


def readable(word: str) -> str:
    """A setting whose value Hydra's grammar has no word for (größe.csv, a space, a backslash), quoted for the user.

    A value with brackets, commas or quotes is left unchanged: it may mean more than one value.
    """
    key, equals, value = word.partition("=")
    plain = not set(value) & set("'\",=[]{}()$") and key.isascii()
    odd = not value.isascii() or "\\" in value or " " in value.strip()
    return f"{key}={quoted(value)}" if equals and plain and odd else word


def _is_there(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # too long for a name
        return False


def _whose(allowed: tuple[str, ...], settings: list[str], resumed: RunFolder) -> list[str]:
    """`dataset=array` where `dataset.path=…` is given anew: without it that would be of the default's settings."""
    groups = {word.partition(".")[0] for word in settings if word.partition("=")[0] in allowed and "." in word}
    named = {group: resumed.option(group) for group in groups if group in catalogue.GROUPS}
    return [f"{group}={name}" for group, name in named.items() if name is not None]


def changeable(schema: type[Any]) -> tuple[str, ...]:
    """The settings that may change with resume=; none of a command that takes no resume=."""
    return getattr(schema, "changeable", ())


def with_own(command: Command, words: list[str]) -> Command:
    """The command with the folders of a user's own configurations that the words name."""
    pairs = [(*word.partition("=")[::2], after) for word, after in pairwise([*words, ""])]
    own = [value or after for flag, value, after in pairs if flag in _CONFIG_DIR]
    return replace(command, own=tuple(Path(folder).resolve() for folder in own if folder))


def quoted(text: str) -> str:
    """`text` as one literal value of Hydra's override grammar."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)  # one at the end would escape the closing quote
    return f"'{escaped}'"


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _refuse_foreign_preset(command: Command, chosen: str) -> None:
    """Raise `UserError` for a preset that is there and belongs to another command."""
    own = command.options("experiment")
    for name in chosen.split(","):
        for other in map(commands.find, commands.names()):
            if name not in own and name in other.options("experiment"):
                raise UserError(
                    f"experiment={name} is a preset of `drift {other.name}`, not of `drift {command.name}`: run "
                    f"`drift {other.name} experiment={name}`."
                )


def _flags_first(command: Command, words: list[str]) -> tuple[list[str], list[str]]:
    """Flags (with their values) and settings, whatever their order.

    Raises `UserError` for a flag that is none, one without its value, and flags that do not go together.
    """
    flags, settings, rest = [], [], list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            settings.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in (*_FLAGS, *_WITH_VALUE):
            raise UserError(_no_flag(command, word, rest))
        flags.append(name)
        if name in _WITH_VALUE:
            flags.append(_checked_value(name, value if equals else rest.pop(0) if rest else ""))
        elif equals:
            raise UserError(f'{name} takes no value, got "{value}": write {name}.')
    shown = next((flag for flag in flags if flag in _CFG), None)
    if shown and (several := next((flag for flag in flags if flag in MULTIRUN), None)):
        raise UserError(f"{shown} shows the settings of one run, and {several} starts several: omit one of them.")
    if "--resolve" in flags and not shown:
        raise UserError("--resolve goes with --cfg: write --cfg job --resolve.")
    return flags, settings


def _checked_value(flag: str, value: str) -> str:
    choices = _WITH_VALUE[flag]
    got = f'got "{value}"' if value else "got nothing"
    if choices and value not in choices:
        near = did_you_mean(value, choices)
        raise UserError(f"{flag} must be one of {', '.join(choices)}, {got}.{near} Write {flag} {choices[0]}.")
    if not value:
        raise UserError(f"{flag} needs a value, {got}: write {flag} VALUE.")
    if flag in _CONFIG_DIR and not Path(value).is_dir():
        raise UserError(f'{flag} must be a folder that exists, got "{value}": it is looked for from {Path.cwd()}.')
    return value


def _no_flag(command: Command, word: str, rest: list[str]) -> str:
    """What is told of a flag that is none: how to write the setting that it means, or the nearest flag."""
    from drift_cli.shell.known import as_setting

    if written := as_setting(command, word, rest):
        return f'There is no flag "{word}": settings have no dashes, write {written}.'
    near = did_you_mean(word, (*_FLAGS, *_WITH_VALUE))
    return f'There is no flag "{word}".{near} `drift --help` lists them.'
