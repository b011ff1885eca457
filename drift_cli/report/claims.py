"""Claims and verdicts. A verdict is computed from a measurement; none is written by hand.

The claims of a study are in its folder, `claims.yaml`; those that nothing here can decide in `untestable.yaml` here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drift_cli import command as commands
from drift_cli.report.entries import entries

UNTESTABLE = Path(__file__).with_name("untestable.yaml")
TOO_WIDE = "the interval of the measurement is too wide to decide"
_CRITERION = re.compile(r"(?P<sign><=|>=) *(?P<bound>\S+)|(?P<low>\S+) *\.\. *(?P<high>\S+)")


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    CONDITIONAL = "holds under a condition"
    REFUTED = "not confirmed"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Claim:
    """One statement of a paper, and what decides it. `control`: a check of ours that the test can fail.

    `untestable`: why nothing here can decide it; then it has no command, field and criterion. `training`: whether
    trained generators decide it. `version`: of the paper, empty for the one that papers.yaml names.
    """

    id: str
    paper: str
    place: str
    statement: str
    reconstructed: bool
    command: str = ""
    field: str = ""
    criterion: str = ""
    condition: str = ""
    control: bool = False
    untestable: str = ""
    training: bool = False
    version: str = ""

    def __post_init__(self) -> None:
        if self.untestable:
            if self.command or self.field or self.criterion:
                raise ValueError(f"{self.id}: untestable, so it has no command, field and criterion")
            return
        if not self.command or not self.field:
            raise ValueError(f"{self.id}: a claim has a command and a field, or says why it is untestable")
        if not _CRITERION.fullmatch(self.criterion):
            raise ValueError(f'{self.id}: a criterion is "<= x", ">= x" or "x .. y", got "{self.criterion}"')

    @property
    def where(self) -> str:
        """The place in the paper."""
        place = ", ".join(word for word in (self.paper, self.place) if word)
        return f"{place} (as reconstructed)" if self.reconstructed else place


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with the measured value (None: not measured) and its 95 % interval where there is one.

    `reason`: why it was not tested, where something says so.
    """

    claim: Claim
    verdict: Verdict
    value: float | None = None
    interval: tuple[float, float] | None = None
    reason: str = ""

    @property
    def told(self) -> str:
        """The verdict with its condition or reason."""
        beside = self.claim.condition if self.verdict is Verdict.CONDITIONAL else self.reason
        return f"{self.verdict}: {beside}" if beside else str(self.verdict)


def load() -> list[Claim]:
    """Every claim: those of the studies, then those that nothing here can decide."""
    own = [claim for study in commands.studies() for claim in of(study.name)]
    return [*own, *(Claim(**entry) for entry in entries(UNTESTABLE))]


def of(command: str) -> list[Claim]:
    """The claims that a command tests, in the order of its file; none of a command that is no study."""
    file = commands.find(command).folder / "claims.yaml"
    return [Claim(**entry, command=command) for entry in entries(file)]


def judge(command: str, summary: Mapping[str, float]) -> list[Judgement]:
    """A verdict on every claim that `command` tests, from the numbers that it measured."""
    return [judged(claim, summary) for claim in of(command)]


def judged(claim: Claim, summary: Mapping[str, float]) -> Judgement:
    """The verdict on one claim from what its command measured."""
    value = summary.get(claim.field)
    if value is None or not math.isfinite(value):
        return Judgement(claim, Verdict.UNTESTED)
    low, high = (summary.get(f"{claim.field}.{end}", value) for end in ("ci_low", "ci_high"))
    interval = (low, high) if f"{claim.field}.ci_low" in summary else None
    if too_wide(claim.criterion, low, high):
        return Judgement(claim, Verdict.UNTESTED, value, interval, TOO_WIDE)
    if not holds(claim.criterion, value):
        return Judgement(claim, Verdict.REFUTED, value, interval)
    return Judgement(claim, Verdict.CONDITIONAL if claim.condition else Verdict.CONFIRMED, value, interval)


def too_wide(criterion: str, low: float, high: float) -> bool:
    """Whether an interval is undecided: one across a bound, or wider than the range "a .. b" and reaching into it."""
    found = _CRITERION.fullmatch(criterion)
    assert found is not None
    if found["low"] is None:
        return low < float(found["bound"]) < high
    first, last = float(found["low"]), float(found["high"])
    return high - low > last - first and low <= last and high >= first


def holds(criterion: str, value: float) -> bool:
    """Whether `value` satisfies "<= x", ">= x" or "x .. y"."""
    found = _CRITERION.fullmatch(criterion)
    assert found is not None
    match found["sign"]:
        case "<=":
            return value <= float(found["bound"])
        case ">=":
            return value >= float(found["bound"])
    return float(found["low"]) <= value <= float(found["high"])
