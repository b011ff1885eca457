"""Races on a machine whose time the test makes, so that every number is known."""

from __future__ import annotations

import statistics

import pytest

from drift_cli.commands.bench.measure import race
from drift_cli.commands.bench.race import Race
from tests.problems.machine import Machine


@pytest.mark.parametrize("start_up", [2.01, 12.8, 300.0])
def test_a_cold_call_never_counts(start_up: float) -> None:
    machine = Machine()
    functions = {"ours": machine.function("ours", 0.0054, first=start_up), "peer": machine.function("peer", 0.085)}
    found = race(functions, 0.0, machine.clock)
    ours, peer = found.timing("ours"), found.timing("peer")
    assert ours.ms == pytest.approx(5.4)
    assert ours.start_up_ms == pytest.approx(1e3 * start_up)
    assert (peer.ms, peer.start_up_ms) == (pytest.approx(85), pytest.approx(0, abs=1e-6))
    assert peer.ratio.median == pytest.approx(85 / 5.4)


def test_a_hiccup_after_the_cold_call_makes_nobody_long() -> None:
    """The machine stands still for three seconds in the second call: the function is brief all the same."""
    machine = Machine(slowness=lambda call: 1000.0 if call == 1 else 1.0)
    found = race({"ours": machine.function("ours", 0.003)}, 0.0, machine.clock)
    assert found.timing("ours").ms == pytest.approx(3)
    assert found.timing("ours").ratio.turns == 3


def test_what_takes_long_is_called_twice_and_compared_right_after() -> None:
    """Once cold and once more, which counts; the first contestant runs right after it, and goes on in turns."""
    machine = Machine()
    functions = {
        "ours": machine.function("ours", 0.02),
        "long": machine.function("long", 30.0, first=20.0),
        "longer": machine.function("longer", 40.0),
    }
    found = race(functions, 5.0, machine.clock)
    assert [machine.calls.count(name) for name in ("long", "longer")] == [2, 2]
    assert "long long ours" in " ".join(machine.calls)
    assert "longer longer ours" in " ".join(machine.calls)
    assert found.timing("ours").ratio.turns > 20
    long = found.timing("long")
    assert (long.ms, long.start_up_ms, long.ratio.turns) == (pytest.approx(30e3), pytest.approx(20e3), 1)
    assert long.ratio.median == pytest.approx(30 / 0.02)


def test_all_are_compared_with_a_first_one_that_takes_long() -> None:
    machine = Machine()
    functions = {"ours": machine.function("ours", 8.0), "peer": machine.function("peer", 0.5)}
    found = race(functions, 0.0, machine.clock)
    assert machine.calls.count("ours") == 2
    assert found.timing("peer").ratio.median == pytest.approx(0.5 / 8)
    assert found.timing("ours").ms == pytest.approx(8e3)


def test_functions_are_timed_in_turn() -> None:
    """Each cold and warm at first; then turns, which the first and the last of them begin alternately."""
    machine = Machine()
    race({"a": machine.function("a", 0.5), "b": machine.function("b", 0.5)}, 0.0, machine.clock)
    assert "".join(machine.calls) == "aabb" + "ab" + "ba" + "ba"


def test_a_lap_of_short_calls_begins_with_one_that_is_not_timed() -> None:
    """Every change of function costs the next call 7 ms: caches. None of it is in the times."""
    machine = Machine()
    functions = {name: machine.function(name, 0.002) for name in ("a", "b")}

    def disturbed(name: str) -> None:
        machine.now += 0.007 if machine.calls and machine.calls[-1] != name else 0.0
        functions[name]()

    found = race({name: (lambda name=name: disturbed(name)) for name in functions}, 0.0, machine.clock)
    assert found.timing("b").ms == pytest.approx(2)
    assert found.timing("b").least_ms == pytest.approx(2)


def test_a_bench_ends_when_its_time_is_over() -> None:
    machine = Machine()
    race({"a": machine.function("a", 0.5), "b": machine.function("b", 1.0)}, 20.0, machine.clock)
    assert 20 <= machine.now <= 20 + 2 * 1.5 + 1.5  # cold and warm calls before, one turn that was begun


def _typical(found: Race, who: str) -> float:
    return statistics.median(turn[who].seconds for turn in found.turns)


@pytest.mark.parametrize("slowdown", [4.0, 0.25])
def test_ratios_survive_a_machine_that_changes_its_speed(slowdown: float) -> None:
    """Wherever the speed changes, one turn at most is spoilt; the ratio of medians is off where it changes midway."""
    by_medians = []
    for change in range(4, 30):  # after two calls of each, in or between turns of one call each
        machine = Machine(slowness=lambda call, change=change: slowdown if call >= change else 1.0)
        functions = {"ours": machine.function("ours", 0.5), "peer": machine.function("peer", 1.5)}
        found = race(functions, 20.0, machine.clock)
        ratio = found.timing("peer").ratio
        assert ratio.median == pytest.approx(3)
        assert ratio.low <= 3 <= ratio.high
        by_medians.append(_typical(found, "peer") / _typical(found, "ours"))
    assert any(abs(ratio - 3) > 1 for ratio in by_medians)


def test_ratios_survive_a_machine_that_slows_down_steadily() -> None:
    """By 3 % a call: neighbours in a turn differ little, and which of them runs first alternates."""
    machine = Machine(slowness=lambda call: 1.03**call)
    functions = {"ours": machine.function("ours", 0.1), "peer": machine.function("peer", 0.2)}
    found = race(functions, 60.0, machine.clock)
    ratio = found.timing("peer").ratio
    assert ratio.turns >= 10
    assert ratio.low <= 2 <= ratio.high
    assert ratio.median == pytest.approx(2, rel=0.031)  # half of the turns err by one call's drift to either side
    assert found.timing("peer").ms > 1.2 * found.timing("peer").least_ms  # which the minimum beside the median tells


def test_the_processor_share_is_that_of_the_timed_calls() -> None:
    machine = Machine(share=0.6)
    found = race({"ours": machine.function("ours", 0.01, first=9.0)}, 0.0, machine.clock)
    assert found.timing("ours").processor_share == pytest.approx(0.6)
