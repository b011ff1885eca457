"""The settings of an object as a dataclass that OmegaConf reads and checks: made from the object, never written."""

from __future__ import annotations

import types
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Union, get_args, get_origin

from omegaconf import MISSING

from drift_cli import catalogue
from drift_cli.errors import UserError
from drift_cli.setting import REQUIRED, checked, maker, parameters, without_setting


@dataclass
class Settings:
    """What is set of one object: its name, and a field for each of its settings. `made()` is the object."""

    name: str = MISSING
    group: ClassVar[str] = ""
    kind: ClassVar[type]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """A field for each setting, which only the object knows."""

    def made(self, *context: Any) -> Any:
        """The object. `context` is what a run hands over first, where it needs any: a generator its space."""
        return maker(self.kind)(*context, **{name: _plain(value) for name, value in self._values().items()})

    def _values(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}

    def __post_init__(self) -> None:
        if not self.group:
            return
        settled = getattr(self.kind, "settled", None)  # what is kept for a value that means another one elsewhere
        for name, value in settled(**self._values()).items() if settled else ():
            setattr(self, name, value)
        checked(self.group, self.kind, self._values())

    def __reduce__(self) -> tuple:
        return _again, (self.group, self.name, self._values())


def chosen(group: str, name: str, **values: Any) -> Settings:
    """The checked settings of `group=name`; those that are not given keep the class's own defaults."""
    return settings_class(group, name)(**values)


@cache
def settings_class(group: str, name: str) -> type[Settings]:
    """The dataclass of the settings of `group=name`. Raises `UserError` where there is no such object."""
    kind = catalogue.find(group, name)
    if unknown := without_setting(kind):
        raise UserError(
            f"{kind.__name__} takes {unknown[0]}, which is no setting: annotate it in the class, as in "
            f'{unknown[0]}: Annotated[float, Setting("what it is", (positive,))].'
        )
    entries: list[tuple] = [("name", str, field(default=name))]
    for parameter in parameters(kind).values():
        default = MISSING if parameter.default is REQUIRED else parameter.default
        entries.append((parameter.name, _typed(parameter.type), field(default=default)))
    return make_dataclass(
        f"{kind.__name__}Settings", entries, bases=(Settings,), namespace={"group": group, "kind": kind}
    )


def _again(group: str, name: str, values: dict[str, Any]) -> Settings:
    if "." in name:
        catalogue.trust([name])  # as the process that sent it does
    return chosen(group, name, **values)


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
    if isinstance(value, list):
        return tuple(map(_plain, value))
    if (kind := getattr(value, "kind", None)) is not None:
        return kind(**{name: _plain(entry) for name, entry in vars(value).items()})
    return value
