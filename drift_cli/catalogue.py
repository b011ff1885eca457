"""Objects by name: `kernel=matern32` is the class Matern32 of `drift_cli/kernels/matern32.py`. There is no list.

A name with a dot is somebody else's class, `my_package.Sech`. It is looked up only where the user has named it on the
command line (by an option in a folder of their own, or with `trust`), or where an installed package offers it as an
entry point of the group `drift.kernel`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from drift_cli.errors import UserError, did_you_mean
from drift_cli.rules import one_of
from drift_cli.setting import parameters

PACKAGES = {
    "dataset": "drift_cli.data",
    "space": "drift_cli.space",
    "kernel": "drift_cli.kernels",
    "drift": "drift_cli.drift",
    "schedule": "drift_cli.schedules",
    "generator": "drift_cli.generator",
    "optimizer": "drift_cli.optimizers",
    "discrepancy": "drift_cli.discrepancy",
    "encoder": "drift_cli.features",
}
_WITHIN = ("discrepancy", "encoder")  # chosen within the drift that has them: drift.discrepancy=energy
GROUPS = tuple(group for group in PACKAGES if group not in _WITHIN)  # those that a command line chooses from
_NEEDED = {  # what a class of the group has, of each one of these
    "dataset": (("draw", "target"),),
    "space": (("fitted",), ("kept",)),
    "kernel": (("log_profile",), ("scaled",)),
    "drift": (("__call__",),),
    "schedule": (("__call__",),),
    "generator": (("sample",), ("initialise",), ("loss_scale",), ("guided",)),
    "optimizer": (("over",),),
    "discrepancy": (("__call__",),),
    "encoder": (("fitted",),),
}
_NAME = re.compile(r"""^name: *(["']?)([\w.]+)\1 *(?:#.*)?$""", re.M)
_trusted: set[str] = set()
_folders: list[Path] = []  # of the user's own options


def conf_dir() -> Path:
    """Where the configurations of the groups stand: inside an installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "conf"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "conf"


@cache
def installed_conf() -> tuple[Path, ...]:
    """The folders `conf` of the installed packages that offer objects, with a YAML file for each."""
    packages = sorted({point.module.partition(".")[0] for group in PACKAGES for point in _offered(group).values()})
    places = [place for spec in map(find_spec, packages) if spec for place in spec.submodule_search_locations or ()]
    return tuple(folder for folder in (Path(place) / "conf" for place in places) if folder.is_dir())


def look_in(folders: Sequence[Path]) -> None:
    """From here on, the options in these folders are known too, `<folder>/kernel/sech.yaml`: the user named them."""
    _folders[:] = folders


def option_file(group: str, name: str) -> Path | None:
    """The YAML file of the option `name`, the project's own first; None where there is none."""
    places = (conf_dir(), *installed_conf(), *_folders)
    files = (folder / group / f"{name}.yaml" for folder in places)
    return next((file for file in files if file.is_file()), None)


def trust(names: Sequence[str]) -> None:
    """From here on, the classes of these names (`["my_package.Sech"]`) may be looked up: the user has named them.

    Raises `UserError` for what names no class.
    """
    for name in [names] if isinstance(names, str) else names:
        if not _is_of_others(name):
            raise UserError(f'trust must name classes as my_package.Sech, got "{name}": write trust=[my_package.Sech].')
        _trusted.add(name)


def trusted() -> set[str]:
    """The classes that the user has named so far, for another process of the same run."""
    return set(_trusted)


def find(group: str, name: str, at: str = "") -> type:
    """The class that `group=name` means. Raises `UserError` for an unknown name, or one that the user has not trusted.

    `at`: the key that named it, where it is not the group's.
    """
    if name in _options(group):
        name = _options(group)[name]
        trust([name])
    if _is_of_others(name):
        return _of_others(group, name)
    if name in _own(group):
        found = getattr(import_module(f"{PACKAGES[group]}.{name}"), "__dict__", {})
        wanted = name.replace("_", "").lower()
        for key, value in found.items():
            if isinstance(value, type) and key.lower() == wanted:
                return value
    if (offered := _offered(group).get(name)) is not None:
        return _usable(group, name, offered.load())  # installed, as the project itself is
    known = names(group)
    raise UserError(
        f'{at or f"{group}.name"} must be one of {", ".join(known)}, got "{name}".{did_you_mean(name, known)}'
    )


def _is_of_others(name: str) -> bool:
    return "." in name and all(part.isidentifier() for part in name.split("."))


def names(group: str) -> list[str]:
    """The names that a user may choose from, without importing any: `conf/<group>/`, what is installed, their own."""
    return sorted({*_own(group), *_offered(group), *_options(group)})


def check_name(key: str, group: str, name: str, without: Sequence[str] = ()) -> None:
    """Raise `UserError`, which names `key`, unless `name` is of this group, or a class that the user vouched for."""
    if _is_of_others(name):
        find(group, name)
    else:
        one_of(key, name, [each for each in names(group) if each not in without])


def check_member(key: str, name: str, group: str, choices: Sequence[str], needs: str, settings: Sequence[str]) -> None:
    """Raise `UserError` unless `name` is one of `choices`, or a class from outside with the method `needs` and these
    settings alone."""
    if not (_is_of_others(name) or name in {*_offered(group), *_options(group)}):
        one_of(key, name, choices)
        return
    kind = find(group, name)
    if not hasattr(kind, needs) or list(parameters(kind)) != list(settings):
        raise UserError(
            f"{key} must be one of {', '.join(choices)}, or a class of your own with the method {needs} and the "
            f"settings {', '.join(settings)} alone, got {name}."
        )


@cache
def _own(group: str) -> set[str]:
    return {name for file in (conf_dir() / group).glob("*.yaml") if (name := named_in(file))}


def _options(group: str) -> dict[str, str]:
    """The classes of others that the user's own files name, by the names of these files."""
    files = {file.stem: named_in(file) for folder in _folders for file in (folder / group).glob("*.yaml")}
    known = _own(group)  # which no file of a user's replaces
    return {option: name for option, name in files.items() if option not in known and name and _is_of_others(name)}


def named_in(file: Path) -> str | None:
    """The object that a YAML file names."""
    found = _NAME.search(file.read_text("utf-8"))
    return found[2] if found else None


def check_trusted(named: Mapping[str, str]) -> None:
    """Raise `UserError` for the names, by their groups, of others' classes that the user has not named."""
    strange = {group: name for group, name in named.items() if _is_of_others(name) and name not in _trusted}
    if strange:
        told = " and ".join(f"{group}.name is {name}" for group, name in strange.items())
        are, them = ("which is", "it") if len(strange) == 1 else ("which are", "them")
        raise UserError(
            f"{told}, {are} not part of this project, and classes that a folder names are not run by default: add "
            f"trust=[{','.join(strange.values())}] if you trust {them} (in Python: drift_cli.catalogue.trust first)."
        )


def _of_others(group: str, name: str) -> type:
    check_trusted({group: name})
    package, _, leaf = name.rpartition(".")
    try:
        found = getattr(import_module(package), leaf)
    except Exception as error:  # somebody else's module may fail in any way
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{group}.name is {name}, which cannot be imported: {told}. Install its package, or put its folder on "
            "PYTHONPATH."
        ) from error
    return _usable(group, name, found)


def _usable(group: str, name: str, found: Any) -> type:
    """The class, if it has what the group needs."""
    if not isinstance(found, type):
        raise UserError(f"{group}.name must be a class, got {name}, which is of type {type(found).__name__}.")
    for needed in _NEEDED[group]:
        if not any(hasattr(found, method) for method in needed):
            raise UserError(
                f"{name} is not usable as {group}: it lacks {' and '.join(needed)}. docs/adding.md has an example."
            )
    return found


@cache
def _offered(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"drift.{group}")}
