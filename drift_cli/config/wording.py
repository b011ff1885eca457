"""What OmegaConf refuses, in one line: the key, what it must be, what was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from drift_cli.errors import did_you_mean

NO_WORDS: Mapping[str, str] = {}


def setting_names(schema: Any) -> list[str]:
    """The settings of a group or block: its fields, without the `name` by which a group's option is chosen."""
    return [field.name for field in fields(schema) if field.name != "name"] if is_dataclass(schema) else []


def describe(
    error: OmegaConfBaseException,
    prefix: str = "",
    node: DictConfig | None = None,
    words: Mapping[str, str] = NO_WORDS,
) -> str:
    """One line for an OmegaConf error: the key, what it must be, what was given (as typed, or read from `node`)."""
    key = f"{prefix}{error.full_key or error.key or ''}" or "the configuration"
    if isinstance(error, MissingMandatoryValue):
        return f"{key} has no value yet: give one with {key}=…"
    first = (error.msg or str(error)).splitlines()[0]
    if found := re.match(r"Value '(.*)' of type '.*' could not be converted to (\w+)", first):
        kind = found[2].lower()
        return f'{key} must be of type {kind}, got "{words.get(key, found[1])}": {_remedy(kind, found[1])}.'
    if found := re.match(r"Value '(.*)' is not a valid bool", first):
        return f'{key} must be true or false, got "{found[1]}".'
    if "is not a ListConfig" in first:
        given = _given(error, node)
        if given is None or OmegaConf.is_config(given):
            return f"{key} must be a list, written as [a,b]."
        return f'{key} must be a list, got "{given}": write {key}=[{given}].'
    if "Cannot convert 'ListConfig' to string" in first:
        given = _given(error, node)
        if not isinstance(given, ListConfig) or not given:
            return f"{key} must be one word, got a list: write {key}=WORD."
        listed = ",".join(map(str, given))
        remedy = f"write {key}={listed}" if len(given) == 1 else f"to run once for each, write -m {key}={listed}"
        return f"{key} must be one word, got the list [{listed}]: {remedy}."
    if "Cannot convert 'DictConfig' to string" in first:
        return f"{key} must be one word, got a group of settings: write {key}=WORD."
    if found := re.match(r"Interpolation key '(.*)' not found", first):
        key = next((name for name, value in words.items() if f"${{{found[1]}}}" in value), key)
        return f"{key} refers to ${{{found[1]}}}, and there is no such setting: name one that exists, or write a value."
    if "'None'" in first:
        return f"{key} must have a value, got null: give one, or leave it out."
    if "not in '" in first:
        known, group = setting_names(error.object_type), prefix.removesuffix(".")
        if group in words and key not in words:  # the user chose the group's option, and the command sets it up
            return f"{group}={words[group]} has no {key}, which this command sets: leave {group}=… out."
        near = did_you_mean(str(key).rsplit(".", 1)[-1], known)
        available = f"Available: {', '.join(known)}." if known else "There are none to set: leave it out."
        return f'There is no setting "{key}".{near} {available}'
    return f"{key}: {first}"


def _remedy(kind: str, value: str) -> str:
    """What to write for a value that is no number of the kind; 1000.0 is a whole number written as another."""
    if kind != "integer":
        return "give a number"
    try:
        number = float(value)
    except ValueError:
        return "give a whole number"
    whole = number.is_integer() and abs(number) < 1e15
    return f"write {int(number)}" if whole else "give a whole number"


def _given(error: OmegaConfBaseException, node: DictConfig | None) -> Any:
    """What stands at the key of the error; None where that cannot be told."""
    return None if node is None else OmegaConf.select(node, str(error.full_key or error.key))
