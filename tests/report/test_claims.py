from __future__ import annotations

import math

import pytest

from drift_cli import command as commands
from drift_cli.report import claims
from drift_cli.report.claims import TOO_WIDE, Verdict


def test_every_claim_is_whole_and_named_once() -> None:
    every = claims.load()
    assert len({claim.id for claim in every}) == len(every)
    for claim in every:
        assert claim.statement
        if not claim.untestable:
            assert commands.find(claim.command).is_study
            assert claim.field


def test_what_nothing_can_decide_says_why_and_has_no_number() -> None:
    alike = claims.Claim("x", "TO", "Remark 1", "It is alike.", False, untestable="an analogy")
    assert not alike.criterion
    with pytest.raises(ValueError, match="untestable, so it has no command"):
        claims.Claim("x", "TO", "Remark 1", "It is alike.", False, "train", "error", "<= 1", untestable="an analogy")
    with pytest.raises(ValueError, match="or says why"):
        claims.Claim("x", "TO", "Remark 1", "It is alike.", False)


@pytest.mark.parametrize(
    ("criterion", "inside", "outside"),
    [("<= 1e-12", 1e-13, 1e-11), (">= 0.5", 0.5, 0.4), ("-0.55 .. -0.45", -0.5, -0.6)],
)
def test_a_changed_measurement_changes_the_verdict(criterion: str, inside: float, outside: float, monkeypatch) -> None:
    for condition, good in (("", Verdict.CONFIRMED), ("only so", Verdict.CONDITIONAL)):
        claim = claims.Claim("x", "TO", "Thm 1", "It holds.", False, "train", "error", criterion, condition)
        monkeypatch.setattr(claims, "of", lambda command, claim=claim: [claim])
        assert claims.judge("train", {"error": inside})[0].verdict == good
        assert claims.judge("train", {"error": outside})[0].verdict == Verdict.REFUTED
        assert claims.judge("train", {})[0].verdict == Verdict.UNTESTED
        assert claims.judge("train", {"error": math.nan})[0].verdict == Verdict.UNTESTED


def test_an_interval_wider_than_the_criterion_decides_nothing(monkeypatch) -> None:
    claim = claims.Claim("x", "TO", "Thm 1", "It holds.", False, "train", "slope", "-0.55 .. -0.45")
    monkeypatch.setattr(claims, "of", lambda command: [claim])

    def verdict(value: float, low: float, high: float) -> tuple[Verdict, str]:
        found = claims.judge("train", {"slope": value, "slope.ci_low": low, "slope.ci_high": high})[0]
        return found.verdict, found.reason

    assert verdict(-0.59, -0.82, -0.35) == (Verdict.UNTESTED, TOO_WIDE)
    assert verdict(-0.50, -0.82, -0.35) == (Verdict.UNTESTED, TOO_WIDE)
    assert verdict(-0.50, -0.52, -0.48) == (Verdict.CONFIRMED, "")
    assert verdict(-1.00, -1.30, -0.70) == (Verdict.REFUTED, "")


def test_an_interval_across_a_bound_decides_nothing(monkeypatch) -> None:
    claim = claims.Claim("x", "TO", "Thm 1", "It holds.", False, "train", "r", ">= 0.7")
    monkeypatch.setattr(claims, "of", lambda command: [claim])

    def verdict(value: float, low: float, high: float) -> tuple[Verdict, str]:
        found = claims.judge("train", {"r": value, "r.ci_low": low, "r.ci_high": high})[0]
        return found.verdict, found.reason

    assert verdict(0.83, 0.35, 0.93) == (Verdict.UNTESTED, TOO_WIDE)
    assert verdict(0.83, 0.75, 0.93) == (Verdict.CONFIRMED, "")
    assert verdict(0.55, 0.35, 0.65) == (Verdict.REFUTED, "")


def test_a_criterion_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a criterion is"):
        claims.Claim("x", "TO", "Thm 1", "It holds.", False, "train", "error", "about 3")
