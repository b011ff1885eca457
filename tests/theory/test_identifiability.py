from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_cli.theory import identifiability


@given(amplitude=st.floats(0.05, 0.95), frequency=st.integers(1, 6), bandwidth=st.floats(0.15, 0.8))
def test_the_largest_drift_follows_its_formula(amplitude: float, frequency: int, bandwidth: float) -> None:
    expected = float(identifiability.largest_drift(amplitude, np.array([float(frequency)]), bandwidth)[0])
    if expected < 1e-8:
        return  # rounding of the two mean shifts is all that is left
    found = identifiability.largest_on_torus(amplitude, frequency, bandwidth, 2001)
    assert found == pytest.approx(expected, rel=1e-6)


def test_it_falls_at_the_same_total_variation() -> None:
    drifts = identifiability.largest_drift(0.9, np.array([1.0, 4.0, 8.0]), 1.0)
    assert drifts[0] > 0.5
    assert drifts[2] < 1e-12
    assert np.all(drifts > 0)  # never zero: identifiable all the same
