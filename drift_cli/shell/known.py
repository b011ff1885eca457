"""What can be set: the settings of a command by their names, read off its files without importing any object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

from drift_cli.catalogue import GROUPS
from drift_cli.command import Command
from drift_cli.config.checked import choices_of
from drift_cli.config.wording import setting_names


def as_setting(command: Command, flag: str, rest: list[str]) -> str | None:
    """How a flag that is none is written as a setting: `--resume x` as resume=x, `--laplace` as kernel=laplace.

    `rest`: the words after it, the first of which may be its value. None where no setting has the name or the value.
    """
    name, _, value = flag.lstrip("-").partition("=")
    name = name.replace("-", "_")
    known = known_keys(command, rest)
    parent, _, leaf = name.rpartition(".")
    if leaf in known.get(parent, []):
        keys = [name]
    else:
        keys = [f"{group}.{name}" for group, names in known.items() if group in GROUPS and name in names]
    if not keys:
        chosen = [f"{key}={name}" for key, words in _choices(command, known[""]).items() if name in words]
        return " or ".join(chosen) or None
    if not value and rest and "=" not in rest[0] and not rest[0].startswith("-"):
        value = rest[0]
    return " or ".join(f"{key}={value or '…'}" for key in keys)


def _choices(command: Command, keys: list[str]) -> dict[str, Iterable[str]]:
    """The settings that take one of a few words, with these words."""
    groups = {key: list(command.options(key)) for key in keys if key in GROUPS or key == "experiment"}
    return groups | {key: words for key, words in choices_of(command.schema()).items() if key in keys}


def known_keys(command: Command, settings: list[str]) -> dict[str, list[str]]:
    """The settings of the command by parent ("" is the root); of a group, those of the chosen option."""
    schema, presets = command.schema(), command.options("experiment")
    hints = get_type_hints(schema)
    hints = {field.name: hints[field.name] for field in fields(schema)}
    preset = presets.get(_given(settings).get("experiment", ""))
    root = "".join(each.yaml.read_text(encoding="utf-8") for each in (*command.bases, command))
    known = {"": sorted([*hints, *(["experiment"] if presets else [])])}
    for key, hint in hints.items():
        if key in GROUPS:
            known[key] = _settings_of(command, key, _chosen(command, key, root, preset, settings))
        elif is_dataclass(hint):
            known[key] = setting_names(hint)
    nested = getattr(schema, "nested_settings", None)  # where settings have settings, as the command's files name them
    return known | (nested([command.yaml, *([preset] if preset else [])]) if nested else {})


def _chosen(command: Command, group: str, root: str, preset: Path | None, settings: list[str]) -> str:
    """The option of a group: the last one given (the first of a sweep), that of a preset, or the default."""
    given = _given(settings)
    if given.get(group) in command.options(group):  # else settings, as in optimizer={lr: 1}
        return given[group]
    if preset and (found := re.search(rf"override /{group}: (\w+)", preset.read_text(encoding="utf-8"))):
        return found[1]
    found = re.search(rf"^  - {group}: (\w+)$", root, re.M)
    return found[1] if found else ""


def _given(settings: list[str]) -> dict[str, str]:
    """What was typed for each key; the first value of a sweep."""
    pairs = (word.partition("=") for word in settings)
    return {key.lstrip("+"): value.split(",")[0].strip("'\"") for key, _, value in pairs}


def _settings_of(command: Command, group: str, option: str) -> list[str]:
    """Read off the option's file, which has them all: to ask the object itself would cost the import of torch."""
    file = command.options(group).get(option)
    return re.findall(r"^(?!name:)(\w+):", file.read_text(encoding="utf-8"), re.M) if file else []
