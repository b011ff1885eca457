"""Settings of a command whose fields say what they may be: type and rule stand once, at the field.

    repeats: Annotated[int, least(2)]
    bandwidths: Annotated[list[float], within(1e-3, 1e3)]  # each of them, and at least one

Their defaults and their help are in the command's YAML file. What concerns several fields is `check_together`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

from drift_cli import rules, setting
from drift_cli.setting import Rule, Setting, own_settings


class Checked(setting.Checked):
    """A dataclass of a command's settings. Raises `UserError` for the first that breaks its rule."""

    prefix: ClassVar[str] = ""  # of the keys of a block within others, "ema."


@dataclass(frozen=True)
class Maybe(Setting):
    """A list that may be empty."""

    def check(self, key: str, value: Any) -> None:
        if value:
            super().check(key, value)


@dataclass(frozen=True)
class Different(Setting):
    """A list of values that differ from each other, or none."""

    def check(self, key: str, value: Any) -> None:
        super().check(key, value)
        rules.different(key, list(value or []))


def choices_of(kind: type) -> dict[str, tuple[str, ...]]:
    """The words that a setting may be, of those that may be a few."""
    return {name: each.choices for name, each in own_settings(kind).items() if each.choices}


def obeys(*of: Rule) -> Setting:
    """Each of these rules, of the key and the value."""
    return Setting("", of)


def within(low: float, high: float) -> Setting:
    return obeys(partial(rules.between, low=low, high=high))


def least(bound: int) -> Setting:
    return obeys(partial(rules.at_least, least=bound))


def choice(of: Iterable[str], also_called: Mapping[str, str] | None = None) -> Setting:
    return obeys(partial(rules.one_of, choices=tuple(of), also_called=also_called))


Positive = Annotated[float, obeys(rules.positive)]
Seed = Annotated[int, least(0)]
_SEEDS = Different("", (partial(rules.at_least, least=0),))
Seeds = Annotated[list[int], _SEEDS]
MaybeSeeds = Annotated[list[int] | None, _SEEDS]
Samples = Annotated[int, obeys(rules.check_samples)]
Steps = Annotated[int, obeys(rules.check_steps)]
Jobs = Annotated[int | None, within(1, 1024)]
Resume = Annotated[str | None, obeys(rules.a_folder_or_none)]
