"""Settings that several studies share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from drift_cli.config.checked import Different, Maybe
from drift_cli.errors import UserError
from drift_cli.rules import between, one_of, positive
from drift_cli.setting import Rule, Setting

Factors = Annotated[list[float], Different("", (positive, partial(between, low=1e-3, high=1e3)))]


@dataclass(frozen=True)
class MaybeDifferent(Maybe, Different):
    """A list of values that differ from each other, or an empty one."""


def some_of(names: Iterable[str]) -> Setting:
    """One or more of these names, each once."""
    return Different("", (partial(one_of, choices=tuple(names)),))


def any_of(names: Iterable[str]) -> Setting:
    """Some of these names, each once, or none."""
    return MaybeDifferent("", (partial(one_of, choices=tuple(names)),))


def any_that(*obey: Rule) -> Setting:
    """Values that differ and obey each of these rules, or none."""
    return MaybeDifferent("", obey)


def apart(key: str, seed: int, judged: Mapping[str, list[int]]) -> None:
    """Raise `UserError` where the seed that a choice is made on, of this key, is one of those that it is judged on."""
    for name, seeds in judged.items():
        if seed in seeds:
            raise UserError(
                f"{key} must not be one of {name}, on which its choices are evaluated, got {seed}: choose another."
            )
