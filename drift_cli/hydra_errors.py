"""Hydra's and OmegaConf's errors, said in one line with the nearest valid name."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_type_hints

from hydra.errors import OverrideParseException
from omegaconf.errors import OmegaConfBaseException

from drift_cli import presets
from drift_cli.config import setting_names
from drift_cli.config.commands import COMMANDS, GROUPS
from drift_cli.errors import did_you_mean


def explain(error: Exception, command: str, settings: list[str], conf: Path) -> str:
    """What was wrong with the settings, by name, and what is near it."""
    text = str(error)
    if found := re.search(r"Could not find '([^']+)/([^']+)'", text):
        group, option = found[1], found[2]
        options = presets.options(group, command, conf)
        return f'There is no {group} "{option}".{did_you_mean(option, options)} There are: {", ".join(options)}.'
    if found := re.search(r"[Cc]ould not override '([^']+)'", text):
        inner = re.search(r"full_key: (\S+)", str(error.__cause__))  # of `optimizer={rate: 1}` it is optimizer.rate
        return _unknown(inner[1] if inner else found[1], command, settings, conf)
    if found := re.search(r"Could not append to config\. An item is already at '([^']+)'", text):
        return f"{found[1]} is a setting already: write {found[1]}=… without the +."
    if found := re.search(r"Error merging override (\S+?)=?\S*\n(.*)", text):
        return f"{found[1]}: {found[2]}."
    if found := re.search(r"Error merging override \+*([^=]+)=(.*)", text):
        if "ListConfig" in str(error.__cause__):
            return f'{found[1]} must be a list, got "{found[2]}": write {found[1]}=[…].'
        return f'{found[1]} cannot be "{found[2]}".'
    if isinstance(error, OverrideParseException):
        return (
            f'"{error.override}" cannot be read as a setting: write key=value, and quote a value that holds one of '
            """, = { } [ ] ( ) or a space, as in 'key="a=b"'."""
        )
    if found := re.search(r"Ambiguous value for argument '([^'=]*)=([^']*)'", text):
        key, values = found[1], found[2]
        if "list" in str(get_type_hints(COMMANDS[command]).get(key)):
            return f"{key} is a list: write {key}=[{values}]."
        return f'"{key}={values}" gives several values: `drift {command} -m {key}={values}` runs once for each.'
    if "Config group override must be a string" in text:
        return "A group must be one of its options, got null: leave it out for the default."
    if isinstance(error, OmegaConfBaseException):
        from drift_cli.config import describe

        return describe(error)
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0] if lines else repr(error)


def _unknown(key: str, command: str, settings: list[str], conf: Path) -> str:
    parent, _, leaf = key.rpartition(".")
    known = known_keys(command, settings, conf)
    siblings = known.get(parent, [])
    elsewhere = [f"{group}.{leaf}" for group, names in known.items() if group != parent and group and leaf in names]
    near = did_you_mean(leaf, siblings)
    if parent and near:
        near = near.replace('"', f'"{parent}.', 1)
    if elsewhere:  # the very name in a group is nearer than any other name
        near = " Did you mean " + " or ".join(f'"{each}"' for each in sorted(elsewhere)) + "?"
    where = f"Settings of {parent}: {', '.join(siblings)}." if parent and siblings else ""
    return f'There is no setting "{key}".{near} {where or f"`drift {command} --help` lists the settings."}'


def known_keys(command: str, settings: list[str], conf: Path) -> dict[str, list[str]]:
    """The settings of the command by parent ("" is the root); of a group, those of the chosen option."""
    schema = COMMANDS[command]
    hints = get_type_hints(schema)
    root = "".join((conf / f"{name}.yaml").read_text() for name in ("train", command))
    known = {"": sorted([*hints, *(["experiment"] if presets.names(command, conf) else [])])}
    for key, hint in hints.items():
        if key in GROUPS:
            known[key] = _settings_of(key, _chosen(key, root, settings, conf), conf)
        elif is_dataclass(hint):
            known[key] = setting_names(hint)
    return known


def _chosen(group: str, root: str, settings: list[str], conf: Path) -> str:
    """The option of a group: the last one given (the first of a sweep), that of a preset, or the default."""
    given = {
        key.lstrip("+"): value.split(",")[0].strip("'\"") for key, _, value in (w.partition("=") for w in settings)
    }
    if (conf / group / f"{given.get(group)}.yaml").is_file():  # else settings, as in optimizer={lr: 1}
        return given[group]
    preset = conf / "experiment" / f"{given.get('experiment')}.yaml"
    if preset.is_file() and (found := re.search(rf"override /{group}: (\w+)", preset.read_text())):
        return found[1]
    found = re.search(rf"^  - {group}: (\w+)$", root, re.M)
    return found[1] if found else ""


def _settings_of(group: str, option: str, conf: Path) -> list[str]:
    file = conf / group / f"{option}.yaml"
    name = re.search(r"^name: (\w+)", file.read_text(), re.M) if file.is_file() else None
    return setting_names(GROUPS[group][name[1]]) if name else []
