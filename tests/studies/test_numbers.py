"""What a part of a study returns becomes one flat summary: each rule of names, and the spread beside a number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import stats

from drift_cli.studies import numbers
from drift_cli.studies.numbers import Interval, Mean, Measured, NextRun, Numbers, Ratio, after


@dataclass(frozen=True)
class Part(Measured):
    error: float
    curve: np.ndarray = field(default_factory=lambda: np.arange(3.0))
    absent: float | None = None

    def tables(self) -> dict[str, numbers.Table]:
        return {"curve": {"value": self.curve}}


@dataclass(frozen=True)
class Sure(Measured):
    slope: Interval


@dataclass(frozen=True)
class Whole(Measured):
    part: Part
    by_kernel: dict[str, Part]
    rate: dict[str, float | Interval] = field(metadata=after("_"))
    by_name: dict[str, Part | Sure] = field(metadata=after("_"))
    size: dict[str, float] = field(default_factory=dict)
    worst: Interval | None = None


WHOLE = Whole(
    Part(1.0),
    {"laplace": Part(2.0), "gaussian": Part(3.0)},
    {"laplace_1d": 4.0, "gaussian_1d": Interval(5.0, 4.5, 5.5)},
    {"2d": Part(6.0), "3d": Sure(Interval(6.5, 6.0, 7.0))},
    {"0.3": 7.0},
    Interval(8.0, 7.0, 9.0),
)


def test_every_number_stands_under_the_name_of_its_field() -> None:
    assert numbers.summary(WHOLE) == {
        "error": 1.0,
        "laplace.error": 2.0,
        "gaussian.error": 3.0,
        "rate_laplace_1d": 4.0,
        "rate_gaussian_1d": 5.0,
        "rate_gaussian_1d.ci_low": 4.5,
        "rate_gaussian_1d.ci_high": 5.5,
        "error_2d": 6.0,
        "slope_3d": 6.5,
        "slope_3d.ci_low": 6.0,
        "slope_3d.ci_high": 7.0,
        "size.0.3": 7.0,
        "worst": 8.0,
        "worst.ci_low": 7.0,
        "worst.ci_high": 9.0,
    }


def test_what_an_earlier_sitting_measured_stands_as_it_was() -> None:
    kept = numbers.summary(WHOLE)
    assert numbers.summary(Numbers(kept)) == kept


def test_tables_are_found_below() -> None:
    assert list(numbers.tables(WHOLE)) == ["curve"]
    assert numbers.tables(Numbers({})) == {}


def test_a_mean_has_a_spread_where_there_are_several() -> None:
    values = [1.0, 2.0, 4.0]
    assert Mean(values).value == pytest.approx(7 / 3)
    assert Mean(values).spread() == {"sd": pytest.approx(np.std(values, ddof=1))}
    assert Mean([1.0]).spread() == {}
    assert numbers.finite_mean([1.0, np.nan]) is None
    assert numbers.finite_mean([1.0, 3.0]) == Mean([1.0, 3.0])


def test_one_run_more_falls_into_its_interval_as_often_as_it_says() -> None:
    """Of 4,000 samples of 5 + 1 normal numbers: 95 % with a standard error of 0.34 %."""
    draws = np.random.default_rng(3).normal(2.0, 3.0, (4000, 6))
    inside = 0
    for *known, one_more in draws:
        ends = NextRun(known).spread()
        inside += ends["next_low"] < one_more < ends["next_high"]
    assert abs(inside / len(draws) - 0.95) < 4 * 0.0034
    assert NextRun([1.0]).spread() == {}


def test_a_ratio_is_the_geometric_mean_with_the_interval_of_its_logarithm() -> None:
    ratios = [2.0, 8.0, 4.0]
    found = Ratio(ratios)
    assert found.value == pytest.approx(4.0)
    low, high = stats.t.interval(0.95, 2, loc=np.log(4.0), scale=stats.sem(np.log(ratios)))
    assert found.spread() == {"ci_low": pytest.approx(np.exp(low)), "ci_high": pytest.approx(np.exp(high))}
    assert Ratio([2.0]).spread() == {}
