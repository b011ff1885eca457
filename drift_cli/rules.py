"""The rules that values of a configuration obey, each raising one line: rule, value, remedy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from drift_cli.errors import UserError, did_you_mean

MOST_SAMPLES, MOST_STEPS = 10**7, 10**12  # beyond them a number is a slip of the finger


def positive(key: str, value: float, remedy: str = "give a number above 0") -> None:
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{key} must be a finite number above 0, got {value}: {remedy}.")


def at_least(key: str, value: float, least: float, remedy: str = "") -> None:
    if not (math.isfinite(value) and value >= least):
        raise UserError(f"{key} must be at least {least}, got {value}{_after(remedy)}.")


def between(key: str, value: float, low: float, high: float, remedy: str = "") -> None:
    if not low <= value <= high:
        raise UserError(f"{key} must be from {low:g} to {high:g}, got {value}{_after(remedy)}.")


def finite(key: str, value: float) -> None:
    if not math.isfinite(value):
        raise UserError(f"{key} must be a finite number, got {value}: give one.")


def fraction(key: str, value: float) -> None:
    """0 ≤ value < 1."""
    if not 0 <= value < 1:
        raise UserError(f"{key} must be at least 0 and below 1, got {value}.")


def positive_fraction(key: str, value: float) -> None:
    """0 < value ≤ 1."""
    if not 0 < value <= 1:
        raise UserError(f"{key} must be above 0 and at most 1, got {value}.")


def one_of(key: str, value: str, choices: Iterable[str], also_called: Mapping[str, str] | None = None) -> None:
    """`also_called`: other words that people use for a choice, where spelling alone would suggest another one."""
    choices = tuple(choices)
    if value not in choices:
        meant = (also_called or {}).get(value)
        near = f' Did you mean "{meant}"?' if meant else did_you_mean(value, choices)
        raise UserError(f'{key} must be one of {", ".join(choices)}, got "{value}".{near}')


def written(values: Iterable) -> str:
    """A list as it is written on a command line."""
    return f"[{','.join(map(str, values))}]"


def different(key: str, values: list) -> None:
    if len(set(values)) < len(values):
        raise UserError(f"{key} must be different from each other, got {written(values)}: leave the repeated one out.")


def not_empty(key: str, values: list) -> None:
    if not values:
        raise UserError(f"{key} must name at least one value, got an empty list: name one, or leave it out.")


def at_most(key: str, value: float, most: float, remedy: str = "lower it") -> None:
    if not value <= most:
        raise UserError(f"{key} must be at most {most}, got {value}: {remedy}.")


def check_samples(key: str, value: int, least: int = 2) -> None:
    """A number of samples that are moved, or looked at, in one step."""
    at_least(key, value, least)
    at_most(key, value, MOST_SAMPLES)


def check_steps(key: str, value: int, least: int = 1) -> None:
    at_least(key, value, least)
    at_most(key, value, MOST_STEPS)


def check_epsilon(key: str, epsilon: float) -> None:
    """Beyond these bounds a float32 holds no potential in units of ε."""
    between(key, epsilon, 1e-9, 1e9, f"give a squared length (the data has about unit size), e.g. {key}=0.05")


def a_folder_or_none(key: str, value: str | None) -> None:
    """`resume=$UNSET` means a folder and names none: it is not a request to start a new run."""
    if value is not None and not value.strip():
        raise UserError(
            f"{key} must name a run folder, got nothing: write {key}=FOLDER, or {key}=null to start a new run."
        )


def _after(remedy: str) -> str:
    return f": {remedy}" if remedy else ""
