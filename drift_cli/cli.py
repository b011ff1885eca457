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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_cli import __version__
from drift_cli.errors import RunFailed, UserError, did_you_mean
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
_FLAGS = ("-m", "--multirun", "--resolve", "--hydra-help")
_FLAGS_WITH_VALUE = (
    "-c",
    "--cfg",
    "-p",
    "--package",
    "-cd",
    "--config-dir",
    "-i",
    "--info",
    "-sc",
    "--shell-completion",
)
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
    if not words or words[0] in ("-h", "--help", "help"):
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

        print(command_help(words[0], conf_dir()))
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

    settings = _settings(command, words)
    saved, sys.argv = sys.argv, ["drift", *settings]
    MadeFolders.forget()
    try:
        hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=command)(task)()
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        from drift_cli.hydra_errors import explain

        raise UserError(explain(error, command, settings, conf_dir())) from error
    except OSError as error:
        raise UserError(f"The output folder cannot be written: {error}. Choose another with hydra.run.dir=…") from error
    finally:
        sys.argv = saved
        MadeFolders.remove_empty()  # where nothing was done, nothing is left behind
    for failure in failures[1:]:
        _refuse(str(failure), 0)
    if failures:
        raise failures[0]


def _told(failure: Exception) -> Exception:
    """The failure of a job as what it is to the user: a file that the system refuses, or memory that is not there."""
    if isinstance(failure, OSError) and failure.strerror:
        return UserError(f"{failure.filename or 'A file'} cannot be read or written: {failure.strerror}.")
    text = str(failure)
    if isinstance(failure, MemoryError) or "allocate" in text or "out of memory" in text.lower():
        return UserError(
            "There is not enough memory for these sizes: lower batch_size, the generator's widths or the sizes under "
            f"evaluation. ({text.splitlines()[0][:120] if text else 'MemoryError'})"
        )
    return failure


def _settings(command: str, words: list[str]) -> list[str]:
    """The words as Hydra overrides: a bare word is the command's main argument; a resumed run keeps its folder."""
    from drift_cli import presets

    flags, settings = _flags_first(words)
    for word in settings[:]:
        key, _, value = word.lstrip("+").partition("=")
        if command in _POSITIONAL and ("=" not in word or Path(word).exists()):
            argument = _POSITIONAL[command]
            if any(other.startswith(f"{argument}=") for other in settings):
                raise UserError(f'`drift {command}` takes one {argument}, got "{word}" as well.')
            settings[settings.index(word)] = f"{argument}={quoted(word)}"
        elif value.startswith("[") and value.endswith("]") and (conf_dir() / key).is_dir():
            options = presets.options(key, command, conf_dir())
            raise UserError(f'{key} must be one of {", ".join(options)}, got the list "{value}".')
        elif key == "experiment":
            presets.refuse_foreign(command, unquoted(value), conf_dir())
        elif command in _RESUMABLE and key == "resume" and value not in ("null", ""):
            from drift_cli.runs.folder import RunFolder

            folder = RunFolder.containing(unquoted(value))
            settings.append(f"hydra.run.dir={quoted(str(folder.path))}")
    return flags + settings


def _flags_first(words: list[str]) -> tuple[list[str], list[str]]:
    """Flags (with their values) and settings, whatever their order. Raises `UserError` for a flag that is none."""
    flags, settings, rest = [], [], iter(words)
    for word in rest:
        if not word.startswith("-"):
            settings.append(word)
            continue
        name = word.split("=")[0]
        if name not in (*_FLAGS, *_FLAGS_WITH_VALUE):
            near = did_you_mean(word, (*_FLAGS, *_FLAGS_WITH_VALUE))
            raise UserError(f'There is no flag "{word}".{near} `drift --help` lists them.')
        flags.append(word)
        if name in _FLAGS_WITH_VALUE and "=" not in word:
            flags += [value for value in [next(rest, None)] if value is not None]
    return flags, settings


def quoted(text: str) -> str:
    """`text` as one literal value of Hydra's override grammar."""
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return f"'{escaped}'"


def unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _task(command: str, composed: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig

    from drift_cli.config import load, typed
    from drift_cli.config.commands import COMMANDS as SCHEMAS
    from drift_cli.config.resume import merged
    from drift_cli.runs.folder import RunFolder

    folder = _as_seen_from_here(Path(HydraConfig.get().runtime.output_dir))
    config: Any = typed(composed, SCHEMAS[command])
    if getattr(config, "resume", None):
        resumed = RunFolder.containing(config.resume)
        _refuse_foreign(command, resumed)
        kept: Any = _kept(command, load, resumed.config, SCHEMAS[command])
        given = [word.split("=")[0].lstrip("+") for word in HydraConfig.get().overrides.task]
        config = merged(command, kept, config, given)
    run: Callable = import_module(f"drift_cli.experiments.{command.replace('-', '_')}").run
    run(config, folder)


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
