"""Hydra's and OmegaConf's errors, said in one line with the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hydra.errors import OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from drift_cli import presets
from drift_cli.config import setting_names
from drift_cli.config.commands import COMMANDS, GROUPS
from drift_cli.config.compare_operators import OF_AN_OPERATOR
from drift_cli.config.paper import SIZES
from drift_cli.config.training import DEVICES
from drift_cli.errors import did_you_mean


def explain(error: Exception, command: str, settings: list[str], conf: Path) -> str:
    """What was wrong with the settings, by name, and what is near it."""
    text = str(error)
    if found := re.search(r"Could not find '([^']+)/([^']*)'", text):
        group, option = found[1], found[2]
        options = presets.options(group, command, conf)
        if not option:
            return f"{group} must be one of {', '.join(options)}, got nothing: leave it out for the default."
        return f'There is no {group} "{option}".{did_you_mean(option, options)} There are: {", ".join(options)}.'
    if found := re.search(r"[Cc]ould not override '([^']+)'", text):
        inner = re.search(r"full_key: (\S+)", str(error.__cause__))  # of `optimizer={rate: 1}` it is optimizer.rate
        return _unknown(inner[1] if inner else found[1], command, settings, conf)
    if found := re.search(r"Could not delete from config\. '([^']+)' does not exist", text):
        return _unknown(found[1], command, settings, conf)
    if found := re.search(r"Could not delete from config\. The value of '([^']+)' is (.*) and not (.*)\.", text):
        return (
            f"~{found[1]}={found[3]} takes nothing away, as {found[1]} is {found[2]}: write {found[1]}=… to change it."
        )
    if found := re.search(r"Could not delete '([^'=]+)=?([^']*)'\. No match in the defaults list", text):
        return f"~{found[1]}={found[2]} takes nothing away: write {found[1]}=… to choose another option."
    if found := re.search(r"Could not append to config\. An item is already at '([^']+)'", text) or re.search(
        r"^(\S+) appears more than once in the final defaults list", text
    ):
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
    if leaf in siblings:  # one that an operator can have, and this one has not been given
        return f"{key} has no value that could be changed: write +{key}=… to add it."
    elsewhere = [f"{group}.{leaf}" for group, names in known.items() if group in GROUPS and leaf in names]
    near = did_you_mean(leaf, siblings)
    if parent and near:
        near = near.replace('"', f'"{parent}.', 1)
    if elsewhere:  # the very name in a group is nearer than any other name
        near = " Did you mean " + " or ".join(f'"{each}"' for each in sorted(elsewhere)) + "?"
    where = f"Settings of {parent}: {', '.join(siblings)}." if parent and siblings else ""
    return f'There is no setting "{key}".{near} {where or f"`drift {command} --help` lists the settings."}'


def as_setting(command: str, flag: str, rest: list[str], conf: Path) -> str | None:
    """How a flag that is none is written as a setting: `--resume x` as resume=x, `--laplace` as kernel=laplace.

    `rest`: the words after it, the first of which may be its value. None where no setting has the name or the value.
    """
    name, _, value = flag.lstrip("-").partition("=")
    name = name.replace("-", "_")
    known = known_keys(command, rest, conf)
    parent, _, leaf = name.rpartition(".")
    if leaf in known.get(parent, []):
        keys = [name]
    else:
        keys = [f"{group}.{name}" for group, names in known.items() if group in GROUPS and name in names]
    if not keys:
        chosen = [f"{key}={name}" for key, words in _choices(command, known[""], conf).items() if name in words]
        return " or ".join(chosen) or None
    if not value and rest and "=" not in rest[0] and not rest[0].startswith("-"):
        value = rest[0]
    return " or ".join(f"{key}={value or '…'}" for key in keys)


def _choices(command: str, keys: list[str], conf: Path) -> dict[str, Iterable[str]]:
    """The settings that take one of a few words, with these words."""
    groups = {key: presets.options(key, command, conf) for key in keys if key in GROUPS or key == "experiment"}
    return groups | {key: words for key, words in (("size", SIZES), ("device", DEVICES)) if key in keys}


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
    return known | (_of_operators(command, settings, conf) if "operators" in hints else {})


def _of_operators(command: str, settings: list[str], conf: Path) -> dict[str, list[str]]:
    """The labels of compare-operators, those of a preset too, the settings of each and the options of its drift."""
    files = (conf / f"{command}.yaml", conf / "experiment" / f"{_given(settings).get('experiment')}.yaml")
    operators: dict[str, Any] = {}
    for file in files:
        operators |= OmegaConf.select(OmegaConf.load(file), "operators", default={}) if file.is_file() else {}
    known = {"operators": list(operators)}
    for label, operator in operators.items():
        known[f"operators.{label}"] = list(OF_AN_OPERATOR)
        known[f"operators.{label}.options"] = _settings_of("drift", operator["drift"], conf)
    return known


def _chosen(group: str, root: str, settings: list[str], conf: Path) -> str:
    """The option of a group: the last one given (the first of a sweep), that of a preset, or the default."""
    given = _given(settings)
    if (conf / group / f"{given.get(group)}.yaml").is_file():  # else settings, as in optimizer={lr: 1}
        return given[group]
    preset = conf / "experiment" / f"{given.get('experiment')}.yaml"
    if preset.is_file() and (found := re.search(rf"override /{group}: (\w+)", preset.read_text())):
        return found[1]
    found = re.search(rf"^  - {group}: (\w+)$", root, re.M)
    return found[1] if found else ""


def _given(settings: list[str]) -> dict[str, str]:
    """What was typed for each key; the first value of a sweep."""
    pairs = (word.partition("=") for word in settings)
    return {key.lstrip("+"): value.split(",")[0].strip("'\"") for key, _, value in pairs}


def _settings_of(group: str, option: str, conf: Path) -> list[str]:
    """Read off the option's file, which has them all: to ask the object itself would cost the import of torch."""
    file = conf / group / f"{option}.yaml"
    return re.findall(r"^(?!name:)(\w+):", file.read_text(), re.M) if file.is_file() else []
