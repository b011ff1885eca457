"""`drift <command> [settings]`: hand over to the command; every refusal is one line.

Nothing here imports torch, so that help, completion, `--cfg` and refusals answer at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import drift_cli
from drift_cli import command as commands
from drift_cli.errors import RunFailed, UserError
from drift_cli.plain_text import message, show_what_it_can
from drift_cli.ranks import torchrun

_NO_ROOM = ("failed to map segment", "annot allocate memory")  # in the words of the system's loader
_STOPPED = 130  # the shell's status for a command ended by Ctrl-C


def main(argv: list[str] | None = None) -> int:
    """Run one command line; the exit status is 0, 1 (the run went wrong), 2 (refused) or 130 (stopped)."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own backend is nothing to a command
    show_what_it_can()
    try:
        return _dispatch(words)
    except UserError as error:
        return _refuse(str(error), 2)
    except RunFailed as error:
        return _refuse(str(error), 1)
    except ImportError as error:
        if not any(told in str(error) for told in _NO_ROOM):
            raise
        return _refuse("There is not enough memory to load torch: free some, or raise the limit (ulimit -v).", 1)
    except KeyboardInterrupt:
        return _STOPPED
    except BrokenPipeError:  # `drift … | head`
        sys.stdout = None
        return 0


def _dispatch(words: list[str]) -> int:
    if len(words) > 1 and words[0] == "help":
        _dispatch([words[1], "--help"])
    elif not words or words[0] in ("-h", "--help", "help"):
        from drift_cli.shell.help import overview

        print(overview())
    elif words[0] in ("-V", "--version", "version"):
        print(version())
    elif words[0] in ("completion", "-sc", "--shell-completion"):
        from drift_cli.shell import completion

        completion.main(words[1:])
    elif any(word in ("-h", "--help") for word in words[1:]):
        from drift_cli.shell.help import command_help

        print(command_help(commands.find(words[0]), words[1:]))
    else:
        command = commands.find(words[0])
        from drift_cli.shell import launch

        first, *others = launch.failures(command, words[1:]) or (None,)
        for failure in others:  # of a sweep
            _refuse(str(failure), 0)
        if first:
            raise first
    return 0


def version() -> str:
    """The version and the loops in use; which instruction set the native ones run with is chosen at run time."""
    compiled = (Path(drift_cli.__file__).parent / "fused" / "_native.so").is_file()
    if os.environ.get("DRIFT_NATIVE") == "0":
        loops = "eager loops (DRIFT_NATIVE=0)"
    else:
        loops = "native loops" if compiled else "eager loops (no compiler was found at installation)"
    return f"drift {drift_cli.__version__}, {loops}"


def _refuse(told: str, status: int) -> int:
    if torchrun.rank() == 0:  # the others are refused the same
        print(f"drift: {message(told)}", file=sys.stderr)
    return status
