"""From words to checked settings: Hydra composes them, and the command's own class types and checks them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from drift_cli import catalogue
from drift_cli.command import Command
from drift_cli.config import load, typed
from drift_cli.errors import UserError
from drift_cli.runs.folder import RunFolder
from drift_cli.shell.resume import merged, refuse_foreign

VERSION_BASE = "1.3"
COMPOSITION = (HydraException, OmegaConfBaseException, YAMLError, ValueError)  # what composing settings may raise


class _SearchPath(SearchPathPlugin):
    """Hydra asks it where else the files lie that a configuration is composed of."""

    folders: ClassVar[list[Path]] = []

    def manipulate_search_path(self, search_path: Any) -> None:
        for folder in self.folders:
            search_path.append("drift", f"file://{folder.resolve()}")


def search_in(command: Command) -> str:
    """From here on configurations are composed of the files in the command's search path; its first, for Hydra."""
    first, *_SearchPath.folders = command.search_path
    Plugins.instance().register(_SearchPath)
    return str(first.resolve())


@contextmanager
def initialised(command: Command) -> Iterator[None]:
    """Within, `hydra.compose` composes the command's settings, also in the midst of another command."""
    outer, folders = GlobalHydra.instance().hydra, _SearchPath.folders
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(search_in(command), version_base=VERSION_BASE):
            yield
    finally:
        _SearchPath.folders = folders
        GlobalHydra.instance().clear()
        GlobalHydra.instance().hydra = outer


def settings(command: Command, words: list[str]) -> Any:
    """The settings of `drift <command> <words>`, typed and checked. Raises `UserError` for impossible ones."""
    try:
        with initialised(command):
            return typed(compose(command.name, words), command.schema())
    except COMPOSITION as error:
        from drift_cli.shell.explain import explain

        raise UserError(explain(error, command, words)) from error


def as_seen_from_here(path: Path) -> Path:
    """Relative to the working directory where it lies below it: shorter to read and to type again."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def checked(command: Command, composed: DictConfig, given: list[str]) -> Any:
    """What the command runs with, of what Hydra composed; the settings of the run that it resumes, if any.

    `given` are the words of the command line. Raises `UserError` for impossible settings.
    """
    words = {key.lstrip("+"): value for key, _, value in (word.partition("=") for word in given)}
    catalogue.trust(
        _outside(OmegaConf.to_container(composed))
    )  # the user's own words, or files that they named with --config-dir
    found = typed(composed, command.schema(), words)
    if not getattr(found, "resume", None):
        return found
    resumed = RunFolder.containing(found.resume)
    refuse_foreign(command, resumed)
    return merged(command, _kept(command, resumed.config), found, words)


def _outside(composed: Any) -> list[str]:
    """The classes of others that the settings name, `my_package.Sech`, at any depth."""
    groups = [node for node in composed.values() if isinstance(node, dict)]
    named = [str(node.get("name", "")) for node in groups]
    return [name for name in named if "." in name] + [name for node in groups for name in _outside(node)]


def _kept(command: Command, place: Path) -> Any:
    """The settings of the run that is gone on with. Raises `UserError` naming the file that does not hold them."""
    try:
        return load(place, command.schema())
    except UserError as error:
        raise UserError(
            f"`drift {command.name}` cannot resume {place.parent} because of its config.yaml: {error}"
        ) from error
