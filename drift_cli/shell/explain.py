"""Hydra's and OmegaConf's errors, as one line with the nearest valid name."""

from __future__ import annotations

import re
from typing import get_type_hints

from hydra.errors import OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from drift_cli.catalogue import GROUPS, find, named_in
from drift_cli.command import Command
from drift_cli.config.wording import describe
from drift_cli.errors import did_you_mean
from drift_cli.setting import parameters
from drift_cli.shell import launchers
from drift_cli.shell.known import known_keys


def explain(error: Exception, command: Command, settings: list[str]) -> str:
    """What was wrong with the settings, by name, and what is near it."""
    text = str(error)
    if found := re.search(r"In '(hydra/\w+)/(\w+)': Could not load '\1/(\w+)'", text):
        return launchers.missing(f"{found[1]}={found[2]}", launchers.extra_of(found[3]) or found[3])
    if found := re.search(r"Could not find '([^']+)/([^']*)'", text):
        group, option = found[1], found[2]
        if group in ("hydra/launcher", "hydra/sweeper") and (extra := launchers.extra_of(option)):
            return launchers.missing(f"{group}={option}", extra)
        options = sorted({*command.options(group), *launchers.names(group)})
        if not option:
            return f"{group} must be one of {', '.join(options)}, got nothing: leave it out for the default."
        return f'There is no {group} "{option}".{did_you_mean(option, options)} Available: {", ".join(options)}.'
    if found := re.search(r"[Cc]ould not override '([^']+)'", text):
        inner = re.search(r"full_key: (\S+)", str(error.__cause__))  # of `optimizer={rate: 1}` it is optimizer.rate
        return _unknown(inner[1] if inner else found[1], command, settings)
    if found := re.search(r"Could not delete from config\. '([^']+)' does not exist", text):
        return _unknown(found[1], command, settings)
    if found := re.search(r"Could not delete from config\. The value of '([^']+)' is (.*) and not (.*)\.", text):
        return f"~{found[1]}={found[3]} removes nothing: {found[1]} is {found[2]}; write {found[1]}=… to change it."
    if found := re.search(r"Could not delete '([^'=]+)=?([^']*)'\. No match in the defaults list", text):
        return f"~{found[1]}={found[2]} removes nothing: write {found[1]}=… to choose another option."
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
        if "list" in str(get_type_hints(command.schema()).get(key)):
            return f"{key} is a list: write {key}=[{values}]."
        return f'"{key}={values}" gives several values: `drift {command.name} -m {key}={values}` runs once for each.'
    if "Config group override must be a string" in text:
        named = [word.removesuffix("=null") for word in settings if word.endswith("=null")]
        known = {group: ", ".join(command.options(group)) for group in named if command.options(group)}
        group, listed = next(iter(known.items()), ("A group", "its options"))
        return f"{group} must be one of {listed}, got null: leave it out for the default."
    if isinstance(error, OmegaConfBaseException):
        return describe(error)
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}," if mark else "A configuration file"
        return f"{where} cannot be read as YAML: {error.problem}."
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0] if lines else repr(error)


def _unknown(key: str, command: Command, settings: list[str]) -> str:
    parent, _, leaf = key.rpartition(".")
    known = known_keys(command, settings)
    siblings = known.get(parent, [])
    if leaf in siblings or leaf in _beyond_its_file(parent, command, settings):
        return f"{key} is not set, so it cannot be changed: write +{key}=… to add it."
    elsewhere = [f"{group}.{leaf}" for group, names in known.items() if group in GROUPS and leaf in names]
    near = did_you_mean(leaf, siblings)
    if parent and near:
        near = near.replace('"', f'"{parent}.', 1)
    if elsewhere:  # the very name in a group is nearer than any other name
        near = " Did you mean " + " or ".join(f'"{each}"' for each in sorted(elsewhere)) + "?"
    where = f"Settings of {parent}: {', '.join(siblings)}." if parent and siblings else ""
    return f'There is no setting "{key}".{near} {where or f"`drift {command.name} --help` lists the settings."}'


def _beyond_its_file(group: str, command: Command, words: list[str]) -> list[str]:
    """The settings of a class of the user's own that its YAML file leaves to the class."""
    chosen = dict(word.partition("=")[::2] for word in words).get(group, "")
    file = command.options(group).get(chosen)
    named = named_in(file) if file else None
    return list(parameters(find(group, chosen))) if named and "." in named else []
