"""Shell completion: Hydra's own for the settings, with the command in front of them."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

from drift_cli import presets
from drift_cli.config.commands import GROUPS
from drift_cli.errors import UserError, did_you_mean

SHELLS = ("bash", "zsh", "fish")


RunHydra = Callable[[str, list[str]], None]  # hands a command and its words to Hydra


def main(words: list[str], commands: dict[str, str], run_hydra: RunHydra, conf: Path) -> None:
    """`completion bash` prints the script to evaluate; `-sc query=bash` answers the shell that evaluated it."""
    request = words[0] if words else ""
    action, _, shell = request.rpartition("=")
    if shell not in SHELLS or action not in ("", "install", "uninstall", "query"):
        raise UserError(
            f'Completion is for one of {", ".join(SHELLS)}, got "{request}".{did_you_mean(shell, SHELLS)} '
            'Use it as: eval "$(drift completion bash)"'
        )
    if action == "query":
        print("\n".join(_answer(shell, os.environ.get("COMP_LINE", ""), commands, run_hydra, conf)))
    else:
        print(_hydra(f"{action or 'install'}={shell}", "train", run_hydra), end="")


def _answer(shell: str, line: str, commands: dict[str, str], run_hydra: RunHydra, conf: Path) -> list[str]:
    words = line.split()[1:]
    if not words or (len(words) == 1 and not line.endswith(" ")):
        return [name for name in commands if name.startswith(words[0] if words else "")]
    if words[0] not in commands:
        return []
    rest = line.split(words[0], 1)[1].lstrip()
    os.environ["COMP_LINE"] = f"drift {rest}"
    foreign = ("hydra/", *(() if words[0] in ("train", "bench") else (f"{group}=" for group in GROUPS)))
    own = presets.names(words[0], conf)
    return [
        word
        for word in _hydra(f"query={shell}", words[0], run_hydra).split()
        if not word.startswith(foreign) and _is_own(word, own)
    ]


def _is_own(word: str, own: list[str]) -> bool:
    """Whether a completion is no preset, or one of the command's own; `experiment=` alone where there are some."""
    key, _, name = word.partition("=")
    return key != "experiment" or (name in own if name else bool(own))


def _hydra(request: str, command: str, run_hydra: RunHydra) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        run_hydra(command, ["--shell-completion", request])
    return said.getvalue()
