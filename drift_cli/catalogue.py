"""Objects by name: `kernel=matern32` is the class Matern32 of `drift_cli/kernels/matern32.py`. There is no list.

A name with a dot is somebody else's class, `my_package.Sech`. It is looked up only where the user has named its package
on the command line (`trust`), or where an installed package offers it as an entry point of the group `drift.kernel`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from drift_cli.errors import UserError, did_you_mean
from drift_cli.places import conf_dir

PACKAGES = {
    "dataset": "drift_cli.data",
    "kernel": "drift_cli.kernels",
    "drift": "drift_cli.drift",
    "schedule": "drift_cli.schedules",
    "generator": "drift_cli.generator",
    "optimizer": "drift_cli.optimizers",
    "discrepancy": "drift_cli.discrepancy",
}
_trusted: set[str] = set()


def trust(names: list[str]) -> None:
    """From here on, the classes of these names (`my_package.Sech`) may be looked up: the user has named them."""
    _trusted.update(names)


def find(group: str, name: str) -> type:
    """The class that `group=name` means. Raises `UserError` for a name that is none, or that nobody has vouched for."""
    if all(part.isidentifier() for part in name.split(".")) and "." in name:
        return _of_others(group, name)
    if name in _own(group):
        found = getattr(import_module(f"{PACKAGES[group]}.{name}"), "__dict__", {})
        wanted = name.replace("_", "").lower()
        for key, value in found.items():
            if isinstance(value, type) and key.lower() == wanted:
                return value
    if (offered := _offered(group).get(name)) is not None:
        return offered.load()  # installed, as the project itself is
    known = names(group)
    raise UserError(f'{group}.name must be one of {", ".join(known)}, got "{name}".{did_you_mean(name, known)}')


def names(group: str) -> list[str]:
    """The names that a user may choose from, without importing any: those of `conf/<group>/`, and what is installed."""
    return sorted(_own(group) | set(_offered(group)))


@cache
def _own(group: str) -> set[str]:
    """A discrepancy has no file in conf/, as its settings are those of its drift: its names are those of its files."""
    if (files := sorted((conf_dir() / group).glob("*.yaml"))) or group != "discrepancy":
        lines = (line for file in files for line in file.read_text().splitlines())
        return {line.removeprefix("name: ").strip() for line in lines if line.startswith("name: ")}
    folder = Path(__file__).parent / "discrepancy"
    return {file.stem for file in folder.glob("*.py") if file.stem not in ("__init__", "base")}


def _of_others(group: str, name: str) -> type:
    if name not in _trusted:
        raise UserError(
            f"{group}.name is {name}, which is not of this project, and what a folder names runs no code: name the "
            f"option that stands for it on the command line ({group}=…, with --config-dir), or add trust=[{name}]."
        )
    package, _, leaf = name.rpartition(".")
    try:
        found = getattr(import_module(package), leaf)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{group}.name is {name}, and there is no such class to import: {error}.") from error
    if not isinstance(found, type):
        raise UserError(f"{group}.name must be a class, got {name}, a {type(found).__name__}.")
    return found


@cache
def _offered(group: str) -> dict:
    return {point.name: point for point in entry_points(group=f"drift.{group}")}
