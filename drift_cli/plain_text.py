"""Text of others on a terminal: nothing in it acts on the terminal, and what the terminal has not got is replaced."""

from __future__ import annotations

import codecs
import sys
import unicodedata

_MOST = 2000  # characters of one message
_ASCII = {
    "σ": "sigma",
    "ε": "eps",
    "→": "->",
    "…": "...",
    "±": "+/-",
    "×": "x",
    "–": "-",
    "−": "-",
    "₀": "0",
    "²": "^2",
}


def plain(text: str) -> str:
    """The text with control characters and escape sequences made visible: they could write over what stands there."""
    hidden = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"}
    return "".join(c.encode("unicode_escape").decode() if c in hidden else c for c in text) if hidden else text


def message(text: str) -> str:
    """A message in one line of bearable length, whatever the value was that it quotes."""
    line = plain(text).replace("\n", " ")
    return line if len(line) <= _MOST else f"{line[: _MOST // 2]} … {line[-_MOST // 2 :]}"


def show_what_it_can() -> None:
    """From here on the standard streams replace what their encoding has not got: σ is sigma in ASCII."""
    codecs.register_error("drift", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="drift")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_ASCII.get(c, "?") for c in error.object[error.start : error.end]), error.end
