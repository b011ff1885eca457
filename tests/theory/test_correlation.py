from __future__ import annotations

import numpy as np
import pytest

from drift_cli.theory.correlation import log_log


def test_a_power_law_is_perfectly_correlated() -> None:
    x = np.geomspace(1, 100, 30)
    found = log_log([x, x[:10]], [3 * x**-0.7, 3 * x[:10] ** -0.7], seed=0)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((-1, -1, -1))


def test_the_interval_covers_the_truth_of_dependent_points() -> None:
    """Two independent autoregressions: r = 0. Blocks cover it more often than single points would (control)."""
    random = np.random.default_rng(0)

    def path() -> np.ndarray:
        steps, values = random.normal(size=60), [0.0]
        for step in steps:
            values.append(0.5 * values[-1] + step)
        return np.exp(np.array(values[1:]))

    intervals = [log_log([path()], [path()], seed=k) for k in range(60)]
    covered = np.mean([found is not None and found.low <= 0 <= found.high for found in intervals])
    assert covered > 0.75  # 95 % asked; short blocks and 60 points fall somewhat short of it
    iid = 2 / np.sqrt(60)  # the half-width that independent points would have
    assert np.mean([(found.high - found.low) / 2 for found in intervals if found is not None]) > iid


def test_nothing_is_said_of_too_few_points_or_of_a_constant() -> None:
    few, flat = np.array([1.0, 2.0, 3.0]), np.ones(20)
    assert log_log([few], [few], seed=0) is None
    assert log_log([np.geomspace(1, 2, 20)], [flat], seed=0) is None
