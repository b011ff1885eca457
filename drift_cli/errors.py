"""The two ways in which a command ends early, each told to the user in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something in the request cannot be done: the rule, the value received, the remedy. Exit status 2."""


class RunFailed(Exception):
    """The request was fine and the run went wrong (a non-finite loss, say). Exit status 1."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "x"?` for the nearest known word, or nothing where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
