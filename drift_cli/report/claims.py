"""Claims and verdicts. A verdict is computed from a measurement; none is written by hand."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

FILE = Path(__file__).with_name("claims.yaml")
CONFIRMED, CONDITIONAL, REFUTED, UNTESTED = "confirmed", "holds under a condition", "not confirmed", "not tested"
UNDECIDED = "not tested: the interval of the measurement is too wide to say"
_CRITERION = re.compile(r"(?P<sign><=|>=) *(?P<bound>\S+)|(?P<low>\S+) *\.\. *(?P<high>\S+)")


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


@dataclass(frozen=True)
class Verdict:
    """A claim with its measured value, None where it was not measured, and the 95 % interval where there is one."""

    claim: Claim
    value: float | None
    verdict: str
    interval: tuple[float, float] | None = None


def load(command: str | None = None) -> list[Claim]:
    """The claims of the claims file in its order; of one command, or all."""
    entries = OmegaConf.to_container(OmegaConf.load(FILE)) or []
    assert isinstance(entries, list)
    claims = [Claim(**entry) for entry in entries]
    return [claim for claim in claims if command in (None, claim.command)]


def judge(command: str, summary: dict[str, float]) -> list[Verdict]:
    """A verdict for every claim that `command` tests, from the numbers that it measured."""
    return [judged(claim, summary) for claim in load(command)]


def judged(claim: Claim, summary: dict[str, float]) -> Verdict:
    """The verdict on one claim from what its command measured."""
    value = summary.get(claim.field)
    if value is None or not math.isfinite(value):
        return Verdict(claim, None, UNTESTED)
    low, high = (summary.get(f"{claim.field}.{end}", value) for end in ("ci_low", "ci_high"))
    interval = (low, high) if f"{claim.field}.ci_low" in summary else None
    if too_wide(claim.criterion, low, high):
        return Verdict(claim, value, UNDECIDED, interval)
    if not holds(claim.criterion, value):
        return Verdict(claim, value, REFUTED, interval)
    return Verdict(claim, value, CONDITIONAL if claim.condition else CONFIRMED, interval)


def too_wide(criterion: str, low: float, high: float) -> bool:
    """Whether an interval says nothing: one across a bound, or wider than the range "a .. b" and reaching into it."""
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
