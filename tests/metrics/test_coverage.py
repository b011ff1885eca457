from __future__ import annotations

import pytest

from drift_cli.metrics.coverage import AT_TRUTH, reach, uncovered


def test_the_truth_leaves_one_point_in_a_hundred_uncovered(plane) -> None:
    data, other, third = plane(4000), plane(4000), plane(4000)
    within = reach(data, other)
    assert uncovered(data, other, within) == pytest.approx(AT_TRUTH, abs=1e-3)  # by definition, up to the quantile
    assert uncovered(data, third, within) == pytest.approx(AT_TRUTH, abs=0.01)  # 4000 draws of 0.01, 6 deviations


def test_a_collapse_leaves_nearly_all(plane) -> None:
    data, other = plane(2000), plane(2000)
    assert uncovered(data, 0.001 * other, reach(data, other)) > 0.9
    half = other[other[:, 0] > 0]
    assert 0.3 < uncovered(data, half, reach(data, other)) < 0.5  # a missing half, less its border
