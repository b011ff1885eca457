"""The numbers that a study measures, with their uncertainty; all of them go into one flat summary.

A part of a study returns a frozen dataclass that inherits from `Measured`. Its numeric fields are the study's numbers,
under their names in the summary; its other fields (such as arrays) are for the figures.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import stats

from drift_cli.theory.fits import fit

Table = Mapping[str, Sequence[Any] | np.ndarray]  # columns of one length, by their names


class Measured:
    """What a part of a study found: a frozen dataclass.

    A field in the summary:

    - a number `error` is `error`, an `Estimate` is `error` with its spread (`error.ci_low`, …); None and what is not
      finite are left out;
    - a mapping of these, `{"0.3": …}`, is `error.0.3`;
    - another `Measured` stands with its own names, and a mapping of them, `{"laplace": …}`, with the key before the
      names: `laplace.error`. As `field(metadata=after("_"))` it is `error_laplace`, with `before("_")`
      `laplace_error`.
    """

    def tables(self) -> Mapping[str, Table]:
        """What others draw again, by the name of the file."""
        return {}


@dataclass(frozen=True)
class Numbers(Measured):
    """Numbers by their names in the summary; None is left out."""

    numbers: Mapping[str, Number | None]

    def value(self, name: str) -> float:
        """The number of this name. Raises `KeyError` where there is none."""
        return summary(self)[name]


def after(sign: str) -> dict[str, str]:
    """Metadata of a field whose keys stand behind the names, joined by `sign`."""
    return {"after": sign}


def before(sign: str) -> dict[str, str]:
    """Metadata of a field whose keys stand before the names, joined by `sign`."""
    return {"before": sign}


class Estimate(ABC):
    """A number with how sure it is."""

    value: float

    @abstractmethod
    def spread(self) -> Mapping[str, float]:
        """The attributes of the value, by the suffix of their names."""


Number = Estimate | float | int | np.floating | np.integer


@dataclass(frozen=True)
class Interval(Estimate):
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def spread(self) -> Mapping[str, float]:
        """`ci_low` and `ci_high`."""
        return {"ci_low": self.low, "ci_high": self.high}


@dataclass(frozen=True)
class Mean(Estimate):
    """The mean of `values`, of several seeds say, and their standard deviation where there are several."""

    values: Sequence[float]

    @property
    def value(self) -> float:  # type: ignore[override]
        """The arithmetic mean."""
        return float(np.mean(self.values))

    def spread(self) -> Mapping[str, float]:
        """`sd`, by n − 1; nothing of a single value."""
        return {"sd": float(np.std(self.values, ddof=1))} if len(self.values) > 1 else {}


@dataclass(frozen=True)
class NextRun(Estimate):
    """The mean over runs, and with several the 95 % prediction interval for one further run.

    That is Student's t times the deviation times √(1 + 1/n): what a single number from elsewhere is compared with.
    """

    values: Sequence[float]

    @property
    def value(self) -> float:  # type: ignore[override]
        """The arithmetic mean."""
        return float(np.mean(self.values))

    def spread(self) -> Mapping[str, float]:
        """`next_low` and `next_high`; nothing of a single value."""
        n = len(self.values)
        if n < 2:
            return {}
        half = float(stats.t.ppf(0.975, n - 1) * np.std(self.values, ddof=1) * np.sqrt(1 + 1 / n))
        return {"next_low": self.value - half, "next_high": self.value + half}


@dataclass(frozen=True)
class Ratio(Estimate):
    """The geometric mean of paired ratios, with its 95 % interval by Student's t where there are several."""

    ratios: Sequence[float]

    @property
    def value(self) -> float:  # type: ignore[override]
        """The geometric mean."""
        return float(np.exp(np.log(self.ratios).mean()))

    def spread(self) -> Mapping[str, float]:
        """`ci_low` and `ci_high`; nothing of a single ratio."""
        logs = np.log(self.ratios)
        if len(logs) < 2:
            return {}
        half = float(stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
        return {"ci_low": self.value * float(np.exp(-half)), "ci_high": self.value * float(np.exp(half))}


def interval(values: Sequence[float]) -> Estimate:
    """The mean with its 95 % interval by Student's t; of a single value without."""
    if len(values) < 2:
        return Mean(values)
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return Interval(float(np.mean(values)), float(np.mean(values)) - half, float(np.mean(values)) + half)


def slope(x: np.ndarray, y: np.ndarray) -> Interval:
    """The slope of y against x by least squares, with its 95 % interval. Raises `ValueError` for less than 3 points."""
    found = fit(x, y)
    return Interval(found.slope, found.low, found.high)


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table from its rows, each of as many values as there are names."""
    return dict(zip(names, zip(*rows, strict=True) if (rows := list(rows)) else [()] * len(names), strict=True))


def cells(axes: Mapping[str, Sequence[Any] | np.ndarray], values: Mapping[str, np.ndarray]) -> Table:
    """A table of arrays [first axis, second axis]: a row for each cell, with the places of its cell on the axes."""
    at = np.meshgrid(*axes.values(), indexing="ij")
    return {name: each.ravel() for name, each in (dict(zip(axes, at, strict=True)) | dict(values)).items()}


def finite_mean(values: Sequence[float | None]) -> Mean | None:
    """The mean; None where one of the values is missing or not finite."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return Mean(known) if len(known) == len(values) else None


def summary(measured: Measured) -> dict[str, float]:
    """Every finite number in `measured` and below, by its name, with its attributes."""
    found: dict[str, float] = {}
    for name, value in _named(measured):
        if isinstance(value, Estimate):
            found[name] = float(value.value)
            found |= {f"{name}.{end}": float(each) for end, each in value.spread().items()}
        else:
            found[name] = float(value)
    return {name: number for name, number in found.items() if math.isfinite(number)}


def tables(measured: Measured) -> dict[str, Table]:
    """Every table of `measured` and below, by the name of its file."""
    found = dict(measured.tables())
    for each in fields(measured):  # type: ignore[arg-type]
        value = getattr(measured, each.name)
        for below in value.values() if isinstance(value, Mapping) else (value,):
            if isinstance(below, Measured):
                found |= tables(below)
    return found


def _named(measured: Measured) -> Iterator[tuple[str, Number]]:
    """The numbers of `measured` and below by their names."""
    if isinstance(measured, Numbers):
        yield from ((name, number) for name, number in measured.numbers.items() if number is not None)
        return
    for each in fields(measured):  # type: ignore[arg-type]
        yield from _below(each.name, getattr(measured, each.name), **each.metadata)


def _below(name: str, value: Any, after: str | None = None, before: str | None = None) -> Iterator[tuple[str, Number]]:
    if isinstance(value, Measured):
        yield from _named(value)
    elif isinstance(value, Number):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(each, Measured):
                for inner, number in _named(each):
                    yield f"{inner}{after}{key}" if after else f"{key}{before or '.'}{inner}", number
            else:
                yield from _below(f"{key}{before}{name}" if before else f"{name}{after or '.'}{key}", each)
