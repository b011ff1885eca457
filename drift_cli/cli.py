"""`drift <command> [settings]`: hand over to Hydra, then to the command; every refusal is one line.

Nothing here imports torch, so that help, completion, `--cfg` and refusals answer at once.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_cli import __version__
from drift_cli.errors import RunFailed, UserError, did_you_mean
from drift_cli.loading import collecting_nothing
from drift_cli.places import conf_dir

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drift_cli.runs.folder import RunFolder

COMMANDS = {
    "train": "train a one-step generator by drifting",
    "sample": "draw samples from a trained run",
    "table": "one row per run below a folder, mean ± sd over seeds",
    "verify-score": "Theorem 4.1: is the Gaussian drift a score difference, exactly and from samples",
    "verify-radial": "how near a score difference the drift of a radial kernel is, by dimension and temperature",
    "verify-flow": "Proposition 5.5: is the drift the gradient flow of the smoothed KL, and does it descend",
    "spectral": "Theorem 5.2, Figure 2: how fast each frequency decays, predicted and measured",
    "compare-operators": "§6.3, Figure 5: every drift operator from the same starts, with the same budget",
    "stop-grad-study": "Theorem 5.6, Figures 3 and 4: what the stop-gradient prevents, path by path",
    "bench": "how fast the drift is here, beside naive torch and its peers",
    "ablate-schedule": "which bandwidth schedule is best: Theorem 6.2, the optimum, real training",
    "paper": "reproduce the paper: every experiment, and a page that says which claims hold",
}
_POSITIONAL = {"table": "folder", "sample": "run"}  # `drift table FOLDER` is `drift table folder=FOLDER`
_RESUMABLE = ("train", "stop-grad-study", "compare-operators", "ablate-schedule")
_WRITES_TO = {  # of the commands that have no run folder
    "paper": "write out=FOLDER",
    "sample": "write out=FILE",
    "table": "leave it out",
}
_MULTIRUN = ("-m", "--multirun")
_CFG = ("-c", "--cfg")
_FLAGS = (*_MULTIRUN, "--resolve", "--hydra-help")
_FLAGS_WITH_VALUE: dict[str, tuple[str, ...]] = {  # and its choices, where it has some
    **dict.fromkeys(_CFG, ("job", "hydra", "all")),
    **dict.fromkeys(("-i", "--info"), ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")),
    **dict.fromkeys(("-p", "--package", "-cd", "--config-dir", "-sc", "--shell-completion"), ()),
}
_STOPPED = 130  # the shell's status for a command ended by Ctrl-C


def main(argv: list[str] | None = None) -> int:
    """Run one command line; the exit status is 0, 1 (the run went wrong), 2 (refused) or 130 (stopped)."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except UserError as error:
        return _refuse(str(error), 2)
    except RunFailed as error:
        return _refuse(str(error), 1)
    except KeyboardInterrupt:
        return _STOPPED
    except BrokenPipeError:  # `drift … | head`
        sys.stdout = None
        return 0


def _dispatch(words: list[str]) -> int:
    if len(words) > 1 and words[0] == "help":
        _dispatch([words[1], "--help"])
    elif not words or words[0] in ("-h", "--help", "help"):
        from drift_cli.help import overview

        print(overview(COMMANDS))
    elif words[0] in ("-V", "--version", "version"):
        print(version())
    elif words[0] in ("completion", "-sc", "--shell-completion"):
        from drift_cli import completion

        completion.main(words[1:], COMMANDS, run_hydra, conf_dir())
    elif words[0] not in COMMANDS:
        raise UserError(
            f'There is no command "{words[0]}".{did_you_mean(words[0], COMMANDS)} `drift --help` lists the commands.'
        )
    elif any(word in ("-h", "--help") for word in words[1:]):
        from drift_cli.help import command_help

        print(command_help(words[0], conf_dir(), words[1:]))
    else:
        run_hydra(words[0], words[1:])
    return 0


def version() -> str:
    """The version and the loops in use; which instruction set the native ones run with is chosen at run time."""
    compiled = (Path(__file__).parent / "fused" / "_native.so").is_file()
    if os.environ.get("DRIFT_NATIVE") == "0":
        loops = "eager loops (DRIFT_NATIVE=0)"
    else:
        loops = "native loops" if compiled else "eager loops (no compiler was found at the installation)"
    return f"drift {__version__}, {loops}"


def _refuse(message: str, status: int) -> int:
    print(f"drift: {message}", file=sys.stderr)
    return status


def run_hydra(command: str, words: list[str]) -> None:
    """Compose the settings of `command` from `words` and run it; Hydra's own errors become `UserError`."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on instead of printing and exiting
    import hydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from drift_cli.runs.made import MadeFolders

    OmegaConf.register_new_resolver("unique", lambda: secrets.token_hex(3), use_cache=True, replace=True)

    failures: list[Exception] = []

    def task(composed: DictConfig) -> None:
        try:
            _task(command, composed)
        except Exception as failure:  # kept from Hydra, which would print it; the other jobs of a sweep go on
            failures.append(_told(failure))

    flags, settings = _settings(command, words)
    several = any(flag in _MULTIRUN for flag in flags) or "hydra.mode=MULTIRUN" in settings
    saved, sys.argv = sys.argv, ["drift", *flags, *settings]
    MadeFolders.forget()
    try:
        if several:
            from drift_cli import sweep

            words = [*settings, *_config_dir(flags)]
            sweep.check(command, words, conf_dir(), lambda composed, given: _checked(command, composed, given))
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command)(task)()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        from drift_cli.hydra_errors import explain

        raise UserError(explain(error, command, settings, conf_dir())) from error
    except OSError as error:
        raise UserError(_no_folder(error, "hydra.sweep.dir" if several else "hydra.run.dir")) from error
    finally:
        sys.argv = saved
        MadeFolders.remove_empty()  # where nothing was done, nothing is left behind
    for failure in failures[1:]:
        _refuse(str(failure), 0)
    if failures:
        raise failures[0]


def _no_folder(error: OSError, key: str) -> str:
    """Why the folder that `key` names cannot be made."""
    if isinstance(error, FileExistsError):
        return f"{error.filename} is a file, and the output needs a folder: choose another with {key}=…"
    why = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
    return f"The output folder cannot be written: {why}. Choose another with {key}=…"


def _told(failure: Exception) -> Exception:
    """The failure of a job as what it is to the user: a file that the system refuses, or memory that is not there."""
    if isinstance(failure, OSError) and failure.strerror:
        return UserError(f"{failure.filename or 'A file'} cannot be read or written: {failure.strerror}.")
    text = str(failure)
    if isinstance(failure, MemoryError) or "allocate" in text or "out of memory" in text.lower():
        return UserError(
            "There is not enough memory for these sizes: lower batch_size, the generator's widths or the sizes under "
            "evaluation."
        )
    return failure


def _settings(command: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Flags, and the other words as Hydra overrides: a bare one is the main argument; a resumed run keeps its folder.

    Raises `UserError` for what Hydra would take and the command has no use for.
    """
    from drift_cli import catalogue, presets

    flags, settings = _flags_first(command, words)
    for word in settings[:]:
        key, equals, value = word.lstrip("+").partition("=")
        if key == "trust":
            settings.remove(word)
            catalogue.trust([name.strip() for name in unquoted(value).strip("[]").split(",") if name.strip()])
        elif command in _POSITIONAL and ("=" not in word or Path(word).exists()):
            argument = _POSITIONAL[command]
            if any(other.startswith(f"{argument}=") for other in settings):
                raise UserError(f'`drift {command}` takes one {argument}, got "{word}" as well.')
            settings[settings.index(word)] = f"{argument}={quoted(word)}"
        elif value.startswith("[") and value.endswith("]") and (conf_dir() / key).is_dir():
            options = presets.options(key, command, conf_dir())
            raise UserError(f'{key} must be one of {", ".join(options)}, got the list "{value}".')
        elif key == "experiment":
            presets.refuse_foreign(command, unquoted(value), conf_dir())
        elif key == "hydra.run.dir" and command in _WRITES_TO:
            raise UserError(f"`drift {command}` has no run folder, got {word}: {_WRITES_TO[command]}.")
        elif command in _RESUMABLE and key == "resume" and equals and unquoted(value) not in ("null", ""):
            from drift_cli.runs.folder import RunFolder

            folder = RunFolder.containing(unquoted(value))
            settings.append(f"hydra.run.dir={quoted(str(folder.path))}")
    return flags, settings


def _flags_first(command: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Flags (with their values) and settings, whatever their order.

    Raises `UserError` for a flag that is none, one without its value, and flags that do not go together.
    """
    flags, settings, rest = [], [], list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            settings.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in (*_FLAGS, *_FLAGS_WITH_VALUE):
            raise UserError(_no_flag(command, word, rest))
        flags.append(name)
        if name in _FLAGS_WITH_VALUE:
            flags.append(_checked_value(name, value if equals else rest.pop(0) if rest else ""))
        elif equals:
            raise UserError(f'{name} takes no value, got "{value}": write {name}.')
    shown = next((flag for flag in flags if flag in _CFG), None)
    if shown and (several := next((flag for flag in flags if flag in _MULTIRUN), None)):
        raise UserError(f"{shown} shows the settings of one run, and {several} starts several: leave one of them out.")
    if "--resolve" in flags and not shown:
        raise UserError("--resolve goes with --cfg: write --cfg job --resolve.")
    return flags, settings


def _config_dir(flags: list[str]) -> list[str]:
    """The folder of a user's own configurations, where one was named, as a setting of Hydra's."""
    own = [Path(value).resolve() for flag, value in pairwise(flags) if flag in ("-cd", "--config-dir")]
    return [f"hydra.searchpath=[{quoted(f'file://{folder}')}]" for folder in own]


def _checked_value(flag: str, value: str) -> str:
    choices = _FLAGS_WITH_VALUE[flag]
    got = f'got "{value}"' if value else "got nothing"
    if choices and value not in choices:
        near = did_you_mean(value, choices)
        raise UserError(f"{flag} must be one of {', '.join(choices)}, {got}.{near} Write {flag} {choices[0]}.")
    if not value:
        raise UserError(f"{flag} needs a value, {got}: write {flag} VALUE.")
    return value


def _no_flag(command: str, word: str, rest: list[str]) -> str:
    """What is told of a flag that is none: how to write the setting that it means, or the nearest flag."""
    from drift_cli.hydra_errors import as_setting

    if written := as_setting(command, word, rest, conf_dir()):
        return f'There is no flag "{word}": settings have no dashes, write {written}.'
    near = did_you_mean(word, (*_FLAGS, *_FLAGS_WITH_VALUE))
    return f'There is no flag "{word}".{near} `drift --help` lists them.'


def quoted(text: str) -> str:
    """`text` as one literal value of Hydra's override grammar."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return f"'{escaped}'"


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _task(command: str, composed: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    folder = _as_seen_from_here(Path(HydraConfig.get().runtime.output_dir))
    given: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    config = _checked(command, composed, given)
    with collecting_nothing():
        run: Callable = import_module(f"drift_cli.experiments.{command.replace('-', '_')}").run
    run(config, folder)


def _checked(command: str, composed: DictConfig, given: list[str]) -> Any:
    """The settings that the command runs with, typed and checked; those of the run that it goes on with, if any.

    `given` are the words of the command line. Raises `UserError` for impossible settings.
    """
    from drift_cli import catalogue
    from drift_cli.config import load, typed
    from drift_cli.config.commands import COMMANDS as SCHEMAS
    from drift_cli.config.resume import merged
    from drift_cli.runs.folder import RunFolder

    words = {key.lstrip("+"): value for key, _, value in (word.partition("=") for word in given)}
    catalogue.trust(_outside(composed))  # the user's own words, or files that they named with --config-dir
    config: Any = typed(composed, SCHEMAS[command], words)
    if getattr(config, "resume", None):
        resumed = RunFolder.containing(config.resume)
        _refuse_foreign(command, resumed)
        kept: Any = _kept(command, load, resumed.config, SCHEMAS[command])
        config = merged(command, kept, config, words)
    return config


def _outside(composed: DictConfig) -> list[str]:
    """The classes of others that the settings name, `my_package.Sech`."""
    from omegaconf import OmegaConf

    nodes = [composed[key] for key in composed if not OmegaConf.is_missing(composed, key)]
    named = [str(node.get("name", "")) for node in nodes if OmegaConf.is_dict(node)]
    return [name for name in named if "." in name]


def _refuse_foreign(command: str, resumed: RunFolder) -> None:
    """Raise `UserError` for the folder of another command, naming the one that resumes it."""
    other = resumed.command
    if other in (None, command):
        return
    remedy = (
        f"`drift {other} resume={resumed.path}` goes on with it"
        if other in _RESUMABLE
        else f"`drift {other}` takes no resume=, so run it anew"
    )
    raise UserError(f"`drift {command}` cannot resume {resumed.path}, which `drift {other}` made: {remedy}.")


def _kept(command: str, load: Callable, place: Path, schema: type) -> Any:
    """The settings of the run that is gone on with. Raises `UserError` naming the file that does not hold them."""
    try:
        return load(place, schema)
    except UserError as error:
        raise UserError(f"`drift {command}` cannot go on with {place.parent}, by its config.yaml: {error}") from error


def _as_seen_from_here(path: Path) -> Path:
    """Relative to the working directory where it lies below it: shorter to read and to type again."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
