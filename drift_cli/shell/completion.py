"""Shell completion: Hydra's own for the settings, with the command in front of them."""

from __future__ import annotations

import contextlib
import io
import os
from typing import get_type_hints

from drift_cli import command as commands
from drift_cli.catalogue import GROUPS
from drift_cli.errors import UserError, did_you_mean
from drift_cli.shell.launch import failures

SHELLS = ("bash", "zsh", "fish")


def main(words: list[str]) -> None:
    """`completion bash` prints the script to evaluate; `-sc query=bash` answers the shell that evaluated it."""
    request = words[0] if words else ""
    action, _, shell = request.rpartition("=")
    if shell not in SHELLS or action not in ("", "install", "uninstall", "query"):
        raise UserError(
            f'Completion is for one of {", ".join(SHELLS)}, got "{request}".{did_you_mean(shell, SHELLS)} '
            'Use it as: eval "$(drift completion bash)"'
        )
    if action == "query":
        print("\n".join(_answer(shell, os.environ.get("COMP_LINE", ""))))
    else:
        print(_hydra(f"{action or 'install'}={shell}", commands.names()[0]), end="")


def _answer(shell: str, line: str) -> list[str]:
    words = line.split()[1:]
    if not words or (len(words) == 1 and not line.endswith(" ")):
        return [name for name in commands.names() if name.startswith(words[0] if words else "")]
    if words[0] not in commands.names():
        return []
    rest = line.split(words[0], 1)[1].lstrip()
    os.environ["COMP_LINE"] = f"drift {rest}"
    command = commands.find(words[0])
    taken = get_type_hints(command.schema())
    foreign = ("hydra/", *(f"{group}=" for group in GROUPS if group not in taken))
    return [word for word in _hydra(f"query={shell}", words[0]).split() if not word.startswith(foreign)]


def _hydra(request: str, command: str) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        failures(commands.find(command), ["--shell-completion", request])
    return said.getvalue()
