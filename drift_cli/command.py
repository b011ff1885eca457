"""Commands by name: `drift verify-score` is the folder `drift_cli/studies/verify_score`. There is no list.

A command is a folder of `commands/` or, where claims are decided by what it measures, of `studies/`:

    verify-score.yaml    its settings with their defaults, for Hydra; the first line says what it does
    settings.py          the class VerifyScoreConfig, which types and checks them
    run.py               run(settings, path): the work
    experiment/          its presets, one file each
    claims.yaml          of a study: the claims that its numbers decide
    reported.yaml, parts.yaml   what a digest reports of it, and its parts of the reproduction

The class of the settings may say more: `changeable`, what may be given with resume=; `argument`, what a bare word
means; `writes_to`, that it has no run folder and what to write instead; `destination`, the one place that it writes;
`nested_settings`, the settings within settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from drift_cli.catalogue import conf_dir, installed_conf
from drift_cli.errors import UserError, did_you_mean

_HERE = Path(__file__).parent
_PLACES = ("commands", "studies")


@dataclass(frozen=True)
class Command:
    """A command: its name and its folder. `own`: folders of a user's own configurations (`--config-dir`)."""

    name: str
    folder: Path
    own: tuple[Path, ...] = ()

    @property
    def is_study(self) -> bool:
        return self.folder.parent.name == "studies"

    @property
    def yaml(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def summary(self) -> str:
        """What it does, in a line: the first of its configuration file."""
        with self.yaml.open(encoding="utf-8") as lines:
            return next(lines).lstrip("# ").rstrip(".\n")

    @property
    def bases(self) -> list[Command]:
        """The commands whose settings it has as well: the entries of its defaults list that are commands."""
        known = set(names())
        listed = re.findall(r"^  - ([\w-]+)$", self.yaml.read_text(encoding="utf-8"), re.M)
        return [find(name) for name in listed if name in known]

    @property
    def search_path(self) -> list[Path]:
        """Where the files that its configuration is composed of are looked up, its own folder first."""
        return [self.folder, *(base.folder for base in self.bases), conf_dir(), *installed_conf(), *self.own]

    def options(self, group: str) -> dict[str, Path]:
        """The files that `group=NAME` takes, by name; of the group `experiment` they are the command's presets."""
        files = [file for place in reversed(self.search_path) for file in (place / group).glob("*.yaml")]
        return dict(sorted((file.stem, file) for file in files))

    def schema(self) -> type[Any]:
        """The class of its settings."""
        return getattr(self._module("settings"), f"{self.name.title().replace('-', '')}Config")

    def run(self) -> Callable[[Any, Path], Any]:
        """What it does, with its settings in a folder."""
        return self._module("run").run

    def _module(self, name: str) -> Any:
        return import_module(f"drift_cli.{self.folder.parent.name}.{self.folder.name}.{name}")


@cache
def _all() -> dict[str, Command]:
    """Every command, those that are no study first."""
    folders = [folder for place in _PLACES for folder in sorted((_HERE / place).iterdir())]
    found = [Command(folder.name.replace("_", "-"), folder) for folder in folders]
    return {each.name: each for each in found if each.yaml.is_file()}


def names() -> list[str]:
    return list(_all())


def studies() -> list[Command]:
    return [each for each in _all().values() if each.is_study]


def find(name: str) -> Command:
    """Raises `UserError` for a name that is none."""
    if name not in _all():
        raise UserError(
            f'There is no command "{name}".{did_you_mean(name, names())} `drift --help` lists the commands.'
        )
    return _all()[name]
