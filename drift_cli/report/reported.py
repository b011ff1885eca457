"""What a public digest says the paper reports, compared with our measurements. A verdict is computed, never written by
hand.

The digest is third-hand: its numbers are hypotheses to test, never the paper's own. A number given with two digits is
unknown beyond them, so it is an interval of half a unit of its last digit to either side. Ours is one too where the
study says how much it scatters, and the two agree where they meet.

The numbers are in `reported.yaml` of the study that measures them; those that nothing here can be compared with in
`incomparable.yaml` here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from drift_cli import command as commands
from drift_cli.report.claims import TOO_WIDE
from drift_cli.report.entries import entries

OTHERS = Path(__file__).with_name("incomparable.yaml")  # numbers that nothing here can be compared with
SOURCE = "a public wiki page on arXiv 2603.09936"
AGREES, DISAGREES, INCOMPARABLE = "agrees", "does not agree", "cannot be compared"
NOT_MEASURED = "not measured at this size"
_MOST = 3.0  # an interval whose ends are further apart than by this factor says nothing of a number inside it
_ENDS = (("ci_low", "ci_high"), ("next_low", "next_high"))  # of a mean, and of one run more
_NOT_VALUES = (*(f".{end}" for ends in _ENDS for end in ends), ".sd")
_VALUE = re.compile(r"(?P<sign><=|>=|about|order)? *(?P<number>-?[0-9.]+(?:e-?[0-9]+)?)")
_ABOUT = 0.25  # relative half width of a number that is told as "about"
_ORDER = 10**0.5  # factor to either side of a number of which the order of magnitude is told

Interval = tuple[float, float]


@dataclass(frozen=True)
class Reported:
    """One number of the digest, and the field of a command's summary to compare it with.

    `value`: "x", "about x", "order x", "<= x" or ">= x". `field`: ours at the nearest setting, which is `setting`;
    `differs`: what remains different. `open`: what the digest leaves open and `scan`, the beginning of the fields in
    which it was varied. `incomparable`: why nothing here can be compared with it; then it has no command and field.
    """

    id: str
    where: str
    what: str
    value: str
    unit: str = ""
    command: str = ""
    field: str = ""
    setting: str = ""
    differs: str = ""
    open: str = ""
    scan: str = ""
    incomparable: str = ""

    def __post_init__(self) -> None:
        if not _VALUE.fullmatch(self.value):
            raise ValueError(f'{self.id}: a value is "x", "about x", "order x", "<= x" or ">= x", got "{self.value}"')
        if self.incomparable:
            if self.command or self.field or self.scan:
                raise ValueError(f"{self.id}: incomparable, so it has no command, field and scan")
        elif not (self.command and self.field and self.setting and self.differs):
            raise ValueError(f"{self.id}: a number has a command, a field, a setting and what differs, or says why not")
        if bool(self.scan) != bool(self.open):
            raise ValueError(f"{self.id}: a scan says what the digest leaves open, and what is left open is scanned")

    @property
    def interval(self) -> Interval:
        """Every number that is told as `value`."""
        return told_as(self.value)


@dataclass(frozen=True)
class Compared:
    """Our number at one setting, compared with the reported one; `value` is None where it was not measured."""

    field: str
    value: float | None
    interval: Interval | None
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Beside:
    """A reported number and ours: `nearest` decides, `scanned` says for which open settings it would agree."""

    reported: Reported
    nearest: Compared
    scanned: tuple[Compared, ...] = ()

    @property
    def verdict(self) -> str:
        """The nearest setting's; where it does not agree and another open one does, the digest says too little."""
        return INCOMPARABLE if self._open_decides else self.nearest.verdict

    @property
    def told(self) -> str:
        """The verdict, with its reason where there is one, and how many of the scanned settings agree."""
        reason = "the digest leaves open what decides it" if self._open_decides else self.nearest.reason
        told = f"{self.verdict}: {reason}" if reason else self.verdict
        if not self.scanned:
            return told
        return f"{told} ({len(self.agreeing)} of {len(self.scanned)} open settings agree)"

    @property
    def _open_decides(self) -> bool:
        return self.nearest.verdict == DISAGREES and bool(self.agreeing)

    @property
    def agreeing(self) -> tuple[Compared, ...]:
        """The settings of the scan for which it agrees."""
        return tuple(each for each in self.scanned if each.verdict == AGREES)

    @property
    def range(self) -> Interval | None:
        """The least and the largest value of the scan."""
        values = [each.value for each in self.scanned if each.value is not None]
        return (min(values), max(values)) if values else None


def load() -> list[Reported]:
    """The numbers of the digest: those that a study measures, then the others."""
    own = [
        Reported(**entry, command=study.name)
        for study in commands.studies()
        for entry in entries(study.folder / "reported.yaml")
    ]
    return [*own, *(Reported(**entry) for entry in entries(OTHERS))]


def compare(reported: Reported, summary: Mapping[str, float]) -> Beside:
    """The reported number compared with the values in a summary of its command."""
    if reported.incomparable:
        return Beside(reported, Compared("", None, None, INCOMPARABLE, reported.incomparable))
    nearest = _compared(reported, reported.field, summary)
    fields = [key for key in summary if reported.scan and key.startswith(reported.scan) and _is_value(key)]
    return Beside(reported, nearest, tuple(_compared(reported, field, summary) for field in fields))


def told_as(value: str) -> Interval:
    """The numbers that are told as `value`: within half a unit of the last digit, a quarter where it is "about"."""
    found = _VALUE.fullmatch(value)
    assert found is not None
    number = float(found["number"])
    match found["sign"]:
        case "<=":
            return -math.inf, number
        case ">=":
            return number, math.inf
        case "order":
            return number / _ORDER, number * _ORDER
        case None:
            exponent = Decimal(found["number"]).as_tuple().exponent
            assert isinstance(exponent, int)
            half = 0.5 * 10.0**exponent
        case _:
            half = _ABOUT * abs(number)
    return number - half, number + half


def _compared(reported: Reported, field: str, summary: Mapping[str, float]) -> Compared:
    value = summary.get(field)
    if value is None or not math.isfinite(value):
        return Compared(field, None, None, INCOMPARABLE, NOT_MEASURED)
    ours = _interval(field, summary)
    low, high = ours or (value, value)
    if _says_nothing(reported.interval, (low, high)):
        return Compared(field, value, ours, INCOMPARABLE, TOO_WIDE)
    first, last = reported.interval
    return Compared(field, value, ours, AGREES if low <= last and high >= first else DISAGREES)


def _interval(field: str, summary: Mapping[str, float]) -> Interval | None:
    """Of one run more where the study has it, because a reported number is that of a run; else of the mean."""
    for low, high in reversed(_ENDS):
        if f"{field}.{low}" in summary:
            return summary[f"{field}.{low}"], summary[f"{field}.{high}"]
    return None


def _says_nothing(reported: Interval, ours: Interval) -> bool:
    """Whether our interval reaches across a reported bound, or holds the reported number by its mere width."""
    (first, last), (low, high) = reported, ours
    if math.isinf(first):
        return low <= last < high
    if math.isinf(last):
        return low < first <= high
    meets = low <= last and high >= first
    return meets and high - low > last - first and (low <= 0 < high or high > _MOST * abs(low))


def _is_value(key: str) -> bool:
    return not key.endswith(_NOT_VALUES)
