"""The rules that values of a configuration obey, each raising one line: rule, value, remedy."""

from __future__ import annotations

import math
from collections.abc import Iterable

from drift_cli.errors import UserError, did_you_mean


def positive(key: str, value: float, remedy: str = "give a number above 0") -> None:
    if not (math.isfinite(value) and value > 0):
        raise UserError(f"{key} must be a finite number above 0, got {value}: {remedy}.")


def at_least(key: str, value: float, least: float) -> None:
    if not (math.isfinite(value) and value >= least):
        raise UserError(f"{key} must be at least {least}, got {value}.")


def between(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"{key} must be from {low:g} to {high:g}, got {value}.")


def finite(key: str, value: float) -> None:
    if not math.isfinite(value):
        raise UserError(f"{key} must be a finite number, got {value}.")


def fraction(key: str, value: float) -> None:
    """0 ≤ value < 1."""
    if not 0 <= value < 1:
        raise UserError(f"{key} must be at least 0 and below 1, got {value}.")


def positive_fraction(key: str, value: float) -> None:
    """0 < value ≤ 1."""
    if not 0 < value <= 1:
        raise UserError(f"{key} must be above 0 and at most 1, got {value}.")


def one_of(key: str, value: str, choices: Iterable[str]) -> None:
    choices = tuple(choices)
    if value not in choices:
        raise UserError(f'{key} must be one of {", ".join(choices)}, got "{value}".{did_you_mean(value, choices)}')


def different(key: str, values: list) -> None:
    if len(set(values)) < len(values):
        raise UserError(f"{key} must be different from each other, got {values}.")


def not_empty(key: str, values: list) -> None:
    if not values:
        raise UserError(f"{key} must name at least one value, got an empty list.")
