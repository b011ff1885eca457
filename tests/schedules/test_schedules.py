from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_cli.schedules import Constant, Cosine, Exponential, Linear

SWEEPS = (Exponential, Linear, Cosine)
every_sweep = pytest.mark.parametrize("sweep", SWEEPS)
floors, lengths = st.floats(1e-3, 1.0), st.integers(1, 10_000)


@every_sweep
@given(floor=floors, steps=lengths)
def test_a_sweep_goes_from_one_to_its_floor_and_stays(sweep: type, floor: float, steps: int) -> None:
    schedule = sweep(floor, steps)
    assert schedule(0) == pytest.approx(1.0)
    for later in (steps, steps + 1, 10 * steps):
        assert schedule(later) == pytest.approx(floor, rel=1e-12)


@every_sweep
@given(floor=floors, steps=lengths, step=st.integers(0, 20_000))
def test_a_sweep_never_rises_and_never_leaves_its_range(sweep: type, floor: float, steps: int, step: int) -> None:
    schedule = sweep(floor, steps)
    assert schedule(step + 1) <= schedule(step) * (1 + 1e-12)
    assert floor * (1 - 1e-12) <= schedule(step) <= 1 + 1e-12


def test_the_exponential_sweep_has_the_rate_of_the_paper() -> None:
    schedule = Exponential(floor=0.1, steps=500)
    rate = math.log(1 / 0.1) / 500
    for step in (0, 1, 250, 499):
        assert schedule(step) == pytest.approx(math.exp(-rate * step), rel=1e-12)


def test_halfway_values_tell_the_shapes_apart() -> None:
    halfway = [sweep(0.01, 100)(50) for sweep in SWEEPS]
    assert halfway == pytest.approx([0.1, 0.505, 0.505])
    assert Cosine(0.01, 100)(25) > Linear(0.01, 100)(25) > Exponential(0.01, 100)(25)


def test_constant_is_constant_and_schedules_read_well() -> None:
    assert {Constant()(step) for step in (0, 5, 10**6)} == {1.0}
    assert repr(Exponential(0.1, 500)) == "Exponential(floor=0.1, steps=500)"
