"""What a user may set of an object: written once, on the object's own fields or parameters, as their annotation.

    bandwidth: Annotated[float, Setting("a length where the data has about unit size", (positive,))]

says type, help and rule. Help, refusals and the configuration's schema are read from there; nothing here knows of a
configuration, so that the mathematics may carry its settings and import none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from drift_cli.errors import UserError
from drift_cli.rules import not_empty

Rule = Callable[[str, Any], None]  # of the key and the value; raises `UserError`
REQUIRED = inspect.Parameter.empty


@dataclass(frozen=True)
class Setting:
    """One line of help, and the rules that the value obeys: of a list, each of its entries.

    `group`: the value is an object of this group, written as its name or as `{name: …, setting: …}`.
    `word`: a number may be left to whoever has data, by a word that obeys this rule (a bandwidth: auto).
    """

    help: str
    rules: tuple[Rule, ...] = ()
    group: str = ""
    word: Rule | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that the value may be, where a rule says so."""
        named = (getattr(rule, "keywords", {}).get("choices", ()) for rule in self.rules)
        return tuple(next((choices for choices in named if choices), ()))

    def check(self, key: str, value: Any) -> None:
        """Raise `UserError` in one line where the value of `key` breaks a rule. None means: not given."""
        if isinstance(value, list | tuple):
            not_empty(key, list(value))
        if self.word is not None and isinstance(value, str):
            self.word(key, value)
            return
        for each in value if isinstance(value, list | tuple) else [] if value is None else [value]:
            if self.rules and isinstance(each, dict | list | tuple):
                raise UserError(f"each of {key} must be one value, got {each}.")
            for rule in self.rules:
                rule(f"each of {key}" if isinstance(value, list | tuple) else key, each)


def before(**default: Any) -> Any:
    """A field with the value of what was made before there was the setting; anything new has that of the YAML file.

    `before(default=0.0)` or `before(default_factory=…)`, as of `dataclasses.field`.
    """
    return field(metadata={"before": True}, **default)


class Checked:
    """A dataclass whose fields obey their settings' rules however it is made: `Laplace(-1.0)` raises `UserError`."""

    prefix: ClassVar[str | None] = None  # of the fields in what is told; None: the class, `Laplace.bandwidth`

    def __post_init__(self) -> None:
        kind: Any = type(self)
        prefix = f"{kind.__name__}." if kind.prefix is None else kind.prefix
        for name, setting in own_settings(kind).items():
            value = getattr(self, name)
            if setting.word is not None and isinstance(value, str):
                raise UserError(
                    f'{prefix}{name} must be a number, got "{value}": only a run, which has data, takes it.'
                )
            setting.check(f"{prefix}{name}", value)
        self.check_together()

    def check_together(self) -> None:
        """What no field can say alone. Raises `UserError`."""


@cache
def own_settings(kind: type) -> Mapping[str, Setting]:
    """The settings among the fields of a dataclass."""
    described = {name: _described(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    return {name: found[1] for name, found in described.items() if found is not None}


@dataclass(frozen=True)
class Parameter:
    """A setting with its name, the type of its value, and its default (`REQUIRED`: there is none)."""

    name: str
    type: Any
    setting: Setting
    default: Any


def maker(kind: type) -> Callable[..., Any]:
    """What makes the object from its settings: `from_settings` where its own fields are not what a user writes."""
    return getattr(kind, "from_settings", kind)


@cache
def parameters(kind: type) -> Mapping[str, Parameter]:
    """The settings of an object by name: what `maker` takes that is annotated with a `Setting`."""
    make = maker(kind)
    owner = make if make is not kind or not hasattr(kind, "__dataclass_fields__") else kind
    hints = get_type_hints(owner, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(make).parameters.items():
        if (described := _described(hints.get(name))) is not None:
            found[name] = Parameter(name, *described, parameter.default)
    return found


def without_setting(kind: type) -> list[str]:
    """What the object cannot be made without, and nobody can set: not annotated, no default, no context of the run."""
    known = parameters(kind)
    left = [
        each.name
        for each in inspect.signature(maker(kind)).parameters.values()
        if each.default is REQUIRED and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    return [name for name in left if name not in known]


def checked(group: str, kind: type, values: Mapping[str, Any]) -> None:
    """Raise `UserError` for the first value that breaks a rule of its own, or one that the settings share."""
    for name, parameter in parameters(kind).items():
        value = values[name]
        parameter.setting.check(f"{group}.{name}", value)
        for each in value if isinstance(value, list | tuple) else []:
            if (within := getattr(each, "kind", None)) is not None:  # the settings of an object within this one
                checked(f"{group}.{name}[]", within, vars(each))
    together = getattr(kind, "check_settings", None)
    if together is not None:
        together(at=group, **values)


def _described(hint: Any) -> tuple[Any, Setting] | None:
    """The type and the setting of an annotation; None where it has no setting."""
    if get_origin(hint) is not Annotated:
        return None
    kind, *notes = get_args(hint)
    setting = next((note for note in notes if isinstance(note, Setting)), None)
    return None if setting is None else (kind, setting)
