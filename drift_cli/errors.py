"""The two ways in which a command ends early, each reported to the user in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The request cannot be carried out: the rule, the value received, the remedy. Exit status 2."""


class RunFailed(Exception):
    """The request was valid but the run failed (for example, a non-finite loss). Exit status 1."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "x"?` for the nearest known word, or nothing if none is close."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
