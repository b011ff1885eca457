"""Presets (`experiment=NAME`): small files of settings, each for one command.

The comment of a preset begins with its command, "# drift spectral: …"; one that names none is for `drift train`.
"""

from __future__ import annotations

import re
from pathlib import Path

from drift_cli.errors import UserError

_TAKES_THOSE_OF = {"bench": "train"}  # whose settings include a training run's


def names(command: str, conf: Path) -> list[str]:
    """The presets that `command` takes."""
    own = _TAKES_THOSE_OF.get(command, command)
    return sorted(file.stem for file in (conf / "experiment").glob("*.yaml") if command_of(file) == own)


def options(group: str, command: str, conf: Path) -> list[str]:
    """The options of a configuration group, which are its files; of `experiment`, the command's presets."""
    return (
        names(command, conf) if group == "experiment" else sorted(file.stem for file in (conf / group).glob("*.yaml"))
    )


def command_of(preset: Path) -> str:
    found = re.search(r"^# drift ([\w-]+):", preset.read_text(), re.M)
    return found[1] if found else "train"


def refuse_foreign(command: str, chosen: str, conf: Path) -> None:
    """Raise `UserError` for a preset that is there and belongs to another command."""
    for name in chosen.split(","):
        preset = conf / "experiment" / f"{name}.yaml"
        if preset.is_file() and name not in names(command, conf):
            other = command_of(preset)
            raise UserError(
                f"experiment={name} is a preset of `drift {other}`, not of `drift {command}`: run "
                f"`drift {other} experiment={name}`."
            )
