"""The terminal: colours and live lines with one, wide plain lines without.

What is printed is text, never markup: a column may be called `length [mm]`, and a folder hold any character. What the
terminal cannot show is replaced, and a terminal that is gone ends no run.
"""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO, cast

from rich.console import Console
from rich.text import Text

from drift_cli.plain_text import plain

_WIDE = 160  # columns for a file or a pipe: tables must not fold at 80


def make() -> Console:
    out = sys.stdout
    if out is None or not out.isatty():
        return _Console(file=cast(TextIO, _Outlet(out)), width=_WIDE, markup=False, emoji=False)
    return _Console(markup=False, emoji=False)


class _Console(Console):
    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain(text), **options)


class _Outlet:
    """Where lines go, until nobody takes them any more (a closed pipe, a full disk): that is said once, on stderr."""

    encoding = "utf-8"

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.encoding = getattr(stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def isatty(self) -> bool:
        return False

    def _try(self, action: str, *what: str) -> None:
        if self.stream is None:
            return
        try:
            getattr(self.stream, action)(*what)
        except (OSError, ValueError) as error:
            self.stream = None
            why = getattr(error, "strerror", None) or str(error)
            _drop_stdout()
            if sys.stderr is not None:
                print(f"drift: the output can no longer be shown ({why}); the work continues.", file=sys.stderr)


def _drop_stdout() -> None:
    """What is still buffered for a stream that is gone would be an error of its own at the end of the process."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        sys.stdout = None
