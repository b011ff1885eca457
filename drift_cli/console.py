"""The terminal: colours and live lines where there is one, wide plain lines where there is not."""

from __future__ import annotations

import sys

from rich.console import Console

_WIDE = 160  # columns for a file or a pipe: tables must not fold at 80


def make() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_WIDE)
