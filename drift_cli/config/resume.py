"""Going on with a run: its own settings hold, and only what leaves the mathematics alone may be given anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drift_cli.errors import UserError

CHANGEABLE = {
    "train": ("steps", "device", "threads", "checkpoint.every", "checkpoint.keep"),
    "stop-grad-study": ("jobs",),
    "compare-operators": ("jobs",),
    "ablate-schedule": ("jobs",),
}


def merged(command: str, kept: Any, given: Any, keys: Iterable[str]) -> Any:
    """The settings `kept` by a run, with those of `keys` from the command line. Raises `UserError` for others."""
    for key in keys:
        if key == "resume":
            continue
        if key not in CHANGEABLE[command]:
            raise UserError(
                f"{key} belongs to the run that is resumed and stays as it is: with resume= only "
                f"{', '.join(CHANGEABLE[command])} can be given."
            )
        source, target = given, kept
        *parents, leaf = key.split(".")
        for parent in parents:
            source, target = getattr(source, parent), getattr(target, parent)
        setattr(target, leaf, getattr(source, leaf))
    kept.resume = given.resume
    return kept
