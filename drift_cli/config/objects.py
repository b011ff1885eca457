"""The settings of an object as a dataclass that OmegaConf reads and checks: made from the object, never written."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Union, cast, get_args, get_origin

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from drift_cli import catalogue
from drift_cli.config.wording import describe
from drift_cli.errors import UserError
from drift_cli.setting import REQUIRED, checked, maker, parameters, without_setting


@dataclass
class Settings:
    """What is set of one object: its name, and a field for each of its settings. `made()` is the object."""

    name: str = MISSING
    group: ClassVar[str] = ""
    at: ClassVar[str] = ""  # the key that the settings stand under: the group, or that of an object which has this one
    kind: ClassVar[type]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A field for each setting, which only the object knows."""

    def made(self, *context: Any) -> Any:
        """The object. `context` is what a run hands over first, where it needs any: a generator its space.

        Raises `UserError` where a number is still left to the data.
        """
        for name, word in self.left_open().items():
            raise UserError(
                f"{self.at}.{name}={word} is determined from the training data, and there is none here: give a number."
            )
        return maker(self.kind)(*context, **{name: _plain(value) for name, value in self._values().items()})

    def left_open(self) -> dict[str, str]:
        """The words that stand for numbers which are found on the data, by the names of their settings."""
        words = {name: getattr(self, name) for name, each in parameters(self.kind).items() if each.setting.word}
        return {name: word for name, word in words.items() if isinstance(word, str)}

    def _values(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}

    def __post_init__(self) -> None:
        if not self.group:
            return
        settled = getattr(self.kind, "settled", None)  # what is kept for a value that means another one elsewhere
        for name, value in settled(**self._values()).items() if settled else ():
            setattr(self, name, value)
        for name, parameter in parameters(self.kind).items():
            if parameter.setting.word is not None:
                setattr(self, name, _number_or_word(f"{self.at}.{name}", getattr(self, name)))
            if parameter.setting.group:
                setattr(self, name, standing_at(f"{self.at}.{name}", parameter.setting.group, getattr(self, name)))
        checked(self.at, self.kind, self._values())

    def __reduce__(self) -> tuple:
        return _again, (self.group, self.name, "" if self.at == self.group else self.at, self._values())


def chosen(group: str, name: str, **values: Any) -> Settings:
    """The checked settings of `group=name`; those that are not given keep the class's own defaults."""
    return settings_class(group, name)(**values)


def defaults(group: str, name: str) -> dict[str, Any]:
    """The values of `conf/<group>/<name>.yaml`, its name among them; nothing but the name where there is no file."""
    file = catalogue.option_file(group, name)
    read = OmegaConf.to_container(OmegaConf.load(file)) if file else {"name": name}
    return {str(key): value for key, value in cast(dict, read).items()}


def with_defaults(group: str, name: str, **values: Any) -> Settings:
    """The settings of `group=name` as its YAML has them, but for `values`."""
    return chosen(
        group, name, **{key: value for key, value in (defaults(group, name) | values).items() if key != "name"}
    )


def standing_at(key: str, group: str, given: Any) -> Settings:
    """The checked settings of an object at `key`: given by its name, or as {name: …, setting: …} over its defaults.

    Raises `UserError`, which names them as they stand there.
    """
    if isinstance(given, Settings):
        return given
    written = dict(given) if isinstance(given, Mapping) else {"name": given}
    option = str(written.pop("name", None))
    values = {**defaults(group, option), **written}
    kind = settings_class(group, option if option in catalogue.names(group) else str(values["name"]), key)
    try:
        return cast(Settings, OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(kind), values)))
    except OmegaConfBaseException as error:
        raise UserError(describe(error, f"{key}.", OmegaConf.create(values))) from error


@dataclass
class _Number:
    value: float = MISSING


def _number_or_word(key: str, given: Any) -> Any:
    """A number as OmegaConf reads it, or what is none: the word that its rule then judges."""
    try:
        return OmegaConf.merge(OmegaConf.structured(_Number), {"value": given}).value
    except OmegaConfBaseException as error:
        if isinstance(given, str):
            return given
        told = f'of type float, got "{given}": give a number'
        raise UserError(
            f"{key} must {'have a value, got null: give one, or leave it out' if given is None else f'be {told}'}."
        ) from error


@cache
def settings_class(group: str, name: str, at: str = "") -> type[Settings]:
    """The dataclass of the settings of `group=name`. Raises `UserError` if there is no such object.

    `at`: the key under which they stand where that is not the group's.
    """
    kind = catalogue.find(group, name, at)
    if unknown := without_setting(kind):
        raise UserError(
            f"{kind.__name__} takes {unknown[0]}, which is not a setting: annotate it in the class, as in "
            f'{unknown[0]}: Annotated[float, Setting("what it is", (positive,))].'
        )
    entries: list[tuple] = [("name", str, field(default=name))]
    for parameter in parameters(kind).values():
        default = MISSING if parameter.default is REQUIRED else parameter.default
        hint = Any if parameter.setting.group or parameter.setting.word else _typed(parameter.type)
        entries.append((parameter.name, hint, field(default=default)))
    return make_dataclass(
        f"{kind.__name__}Settings",
        entries,
        bases=(Settings,),
        namespace={"group": group, "at": at or group, "kind": kind},
    )


def _again(group: str, name: str, at: str, values: dict[str, Any]) -> Settings:
    if "." in name:
        catalogue.trust([name])  # as the process that sent it does
    kind = settings_class(group, name, at) if at else settings_class(group, name)  # the cached class itself
    return kind(**values)


def _typed(hint: Any) -> Any:
    """The type as OmegaConf has it: a tuple is a list there, and a nested object its own settings."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return list[_typed(inner[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(_typed(each) for each in inner)]  # noqa: UP007
    return _nested(hint) if isinstance(hint, type) and is_dataclass(hint) else hint


@cache
def _nested(kind: type) -> type:
    """The settings of an object within an object, which has no name of its own."""
    entries = [
        (each.name, _typed(each.type), field(default=MISSING if each.default is REQUIRED else each.default))
        for each in parameters(kind).values()
    ]
    namespace = {"kind": kind, "__reduce__": lambda self: (_nested_again, (kind, vars(self)))}
    return make_dataclass(f"{kind.__name__}Settings", entries, namespace=namespace)


def _nested_again(kind: type, values: dict[str, Any]) -> Any:
    return _nested(kind)(**values)


def _plain(value: Any) -> Any:
    """A list as the tuple that a frozen object keeps, nested settings as the object that they are of."""
    if isinstance(value, Settings):
        return value.made()
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if (kind := getattr(value, "kind", None)) is not None:
        return kind(**{name: _plain(entry) for name, entry in vars(value).items()})
    return value
