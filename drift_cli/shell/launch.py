"""A command line is handed to Hydra, and by Hydra to the command: once, or for each job of a sweep."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from drift_cli.command import Command
from drift_cli.errors import RunFailed, UserError
from drift_cli.loading import collecting_nothing
from drift_cli.memory import lacks_memory
from drift_cli.ranks import torchrun
from drift_cli.runs import made_folders
from drift_cli.runs.folder import RunFolder
from drift_cli.shell import compose, names, words

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # that has no room, or fails


def failures(command: Command, given: list[str]) -> list[Exception]:
    """Run `drift <command> <given>`; what went wrong, each as reported to the user: of a sweep first how many jobs
    failed, then a line for each.

    Raises `UserError` for what is refused before anything is done; Hydra's own errors become one.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors on instead of printing and exiting
    OmegaConf.register_new_resolver("unique", lambda: secrets.token_hex(3), use_cache=True, replace=True)
    flags, settings = words.read(command, given)
    if torchrun.count():
        settings += _as_one_of_several(command, flags)
    several = any(flag in words.MULTIRUN for flag in flags) or "hydra.mode=MULTIRUN" in settings
    OmegaConf.register_new_resolver(
        "sweep", partial(names.of_sweep, command.name, settings), use_cache=True, replace=True
    )
    saved, sys.argv = sys.argv, ["drift", *flags, *settings]
    made_folders.forget()
    try:
        return (_sweep if several else _once)(command, flags, settings)
    except compose.COMPOSITION as error:
        from drift_cli.shell.explain import explain

        raise UserError(explain(error, words.with_own(command, flags), settings)) from error
    except OSError as error:
        raise UserError(_no_folder(error, "hydra.sweep.dir" if several else "hydra.run.dir")) from error
    finally:
        sys.argv = saved
        made_folders.remove_empty()  # where nothing was done, nothing is left behind


def _once(command: Command, flags: list[str], settings: list[str]) -> list[Exception]:
    failed: list[Exception] = []

    def task(composed: DictConfig) -> None:
        try:
            _carry_out(command, composed)
        except Exception as failure:  # kept from Hydra, which would print it
            failed.append(_told(failure, command))

    _hand_over(command, task)
    return failed


def _as_one_of_several(command: Command, flags: list[str]) -> list[str]:
    """What a process that torchrun started adds to its words: the folder is the first one's to make."""
    if not getattr(command.schema(), "several_processes", False) or any(flag in words.MULTIRUN for flag in flags):
        raise UserError(
            f"torchrun starts several processes of one run of `drift train`, and {' '.join([command.name, *flags])} is "
            "not such a run: start it without torchrun."
        )
    return ["hydra.run.dir=."] if torchrun.rank() else []


def _sweep(command: Command, flags: list[str], settings: list[str]) -> list[Exception]:
    from drift_cli.shell import job, starter, sweep

    command = words.with_own(command, flags)
    plan = sweep.check(command, settings)
    told = plan.told_to_jobs(command, sys.argv[1:])
    sys.argv = ["drift", *flags, *plan.settings]

    def task(composed: DictConfig) -> float | None:  # pickled by the launchers, with what it refers to
        return job.carry_out(told, composed, partial(_told, command=command))

    with starter.followed(plan) as followed:
        _hand_over(command, task)
    return followed.failures()


def _hand_over(command: Command, task: Callable[[DictConfig], Any]) -> None:
    folder = compose.search_in(command)  # Hydra adds the folder of --config-dir itself
    hydra.main(version_base=compose.VERSION_BASE, config_path=folder, config_name=command.name)(task)()


def _carry_out(command: Command, composed: DictConfig) -> None:
    folder = compose.as_seen_from_here(Path(HydraConfig.get().runtime.output_dir))
    given: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    settings = compose.checked(command, composed, given)
    with collecting_nothing():
        run = command.run()
    run(settings, folder)


def _no_folder(error: OSError, key: str) -> str:
    """Why the folder that `key` names cannot be made."""
    if isinstance(error, FileNotFoundError) and error.filename is None:  # of `os.getcwd()`
        return "The working folder no longer exists: change to another one."
    if isinstance(error, FileExistsError):
        return f"{error.filename} is a file, but the output needs a folder: choose another with {key}=…"
    why = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
    return f"The output folder cannot be written: {why}. Choose another with {key}=…"


def _told(failure: Exception, command: Command) -> Exception:
    """The failure of a job as what it is to the user: a file that the system refuses, a disk, or memory."""
    if isinstance(failure, OSError) and failure.errno in _OF_THE_DISK:
        folder = RunFolder(compose.as_seen_from_here(Path(HydraConfig.get().runtime.output_dir)))
        further = ""
        if words.changeable(command.schema()) and folder.is_run:
            further = f"  Earlier files are unchanged: drift {command.name} resume={folder.path} resumes from there."
        done = "read or written" if failure.errno == errno.EIO else "written"
        return RunFailed(f"{failure.filename or 'A file'} cannot be {done}: {os.strerror(failure.errno)}.{further}")
    if isinstance(failure, OSError) and failure.strerror:
        return UserError(f"{failure.filename or 'A file'} cannot be read or written: {failure.strerror}.")
    if lacks_memory(failure):
        return UserError(
            "There is not enough memory for these sizes: lower batch_size, the generator's widths or the sizes under "
            "evaluation."
        )
    return failure
