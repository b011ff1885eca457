r"""Typed settings: what Hydra composed (or a run folder kept) becomes one checked object, before any work.

The groups are polymorphic: `kernel.name` says which object's settings `kernel` has (`objects.py`).
A class of another package that a configuration names is looked up only where the user vouched for it
(`catalogue.trust`), so that a configuration by itself runs no code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_type_hints

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml.events import AliasEvent

from drift_cli.catalogue import GROUPS, check_trusted
from drift_cli.config.objects import settings_class
from drift_cli.config.wording import NO_WORDS, describe
from drift_cli.errors import UserError
from drift_cli.files import whole

Config = TypeVar("Config")
_LARGEST = 1_000_000  # characters of a file of settings


def typed(composed: DictConfig, schema: type[Config], words: Mapping[str, str] = NO_WORDS) -> Config:
    """The settings as an instance of `schema`, every value converted and checked.

    `words`: what was typed for a key (1e3, which is read as 1000.0), shown where it is refused. Raises `UserError`
    naming the key when it is unknown, has the wrong type, an impossible value, or is missing.
    """
    plain = composed.copy()
    OmegaConf.set_struct(plain, False)
    try:
        OmegaConf.resolve(plain)
    except OmegaConfBaseException as error:
        raise UserError(describe(error, words=words)) from error
    _refuse_endless(OmegaConf.to_container(plain, throw_on_missing=False), "")
    root = OmegaConf.structured(schema)
    hints = get_type_hints(schema)
    groups = {key: plain.pop(key) for key in hints if (key in GROUPS or is_dataclass(hints[key])) and key in plain}
    values = _merged("", root, plain, words, set(groups))  # first, as it needs no object and so no torch
    named = {key: node.get("name") for key, node in groups.items() if key in GROUPS and isinstance(node, DictConfig)}
    check_trusted({key: str(name) for key, name in named.items()})
    parts = {key: _part(key, node, hints[key], words) for key, node in groups.items()}
    return schema(**{key: parts.get(key, value) for key, value in values.items()})


def _refuse_endless(node: Any, key: str) -> None:
    """Raise `UserError` for a whole number that no setting could mean, and no float or tensor could hold."""
    if isinstance(node, dict | list):
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            _refuse_endless(below, f"{key}.{name}".lstrip("."))
    elif isinstance(node, int) and abs(node) >= 2**63:
        raise UserError(f"{key} must be below 2^63 in absolute value, got a number with {len(str(abs(node)))} digits.")


def _part(key: str, node: Any, hint: type, words: Mapping[str, str]) -> Any:
    """One group (its dataclass is named by `name`) or one nested block of settings."""
    if not isinstance(node, DictConfig):
        raise UserError(f'{key} must be a group of settings, got "{node}": write {key}.<setting>=….')
    if key in GROUPS:
        hint = settings_class(key, str(node.get("name")))
    return hint(**_merged(f"{key}.", OmegaConf.structured(hint), node, words))


def _merged(
    prefix: str, schema: DictConfig, node: DictConfig, words: Mapping[str, str], given: Collection[str] = ()
) -> dict[str, Any]:
    try:
        merged = cast(DictConfig, OmegaConf.merge(schema, node))
        for key in map(str, merged):
            if OmegaConf.is_missing(merged, key) and key not in given:
                raise UserError(f"{prefix}{key} has no value yet: give one with {prefix}{key}=…")
        return {key: None if key in given else _object(merged[key]) for key in map(str, merged)}
    except OmegaConfBaseException as error:
        raise UserError(describe(error, prefix, node, words)) from error


def _object(node: Any) -> Any:
    return OmegaConf.to_object(node) if OmegaConf.is_config(node) else node


def save(config: Any, path: Path) -> None:
    """Write the resolved settings as YAML."""
    with whole(path) as beside:
        OmegaConf.save(OmegaConf.structured(config), beside, resolve=True)


def load(path: Path, schema: type[Config]) -> Config:
    """Read settings that `save` wrote, with the same checks as at the first start.

    The file may be somebody else's: it is data, in which nothing refers to anything (a variable of the environment, a
    part of itself that a few lines repeat a million times).
    """
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > _LARGEST:
            raise ValueError(f"it has {len(text):,} characters, and settings may have {_LARGEST:,} at most")
        if any(isinstance(event, AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ValueError("it uses YAML aliases, which settings may not")
        composed = OmegaConf.create(text)
    except Exception as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} cannot be read as YAML: {told}.") from error
    if not isinstance(composed, DictConfig):
        raise UserError(f"{path} contains no settings: it must be a YAML mapping.")
    if (found := _reference(OmegaConf.to_container(composed, resolve=False))) is not None:
        raise UserError(
            f"{path} refers to {found}: the settings of a folder are data, and references in them are not resolved."
        )
    return typed(composed, schema)


def _reference(node: Any) -> str | None:
    """The first ${…} among the values."""
    if isinstance(node, dict | list):
        below = node.values() if isinstance(node, dict) else node
        return next((found for each in below if (found := _reference(each)) is not None), None)
    return node if isinstance(node, str) and "${" in node else None
