"""Time of several functions, interleaved, so that changes of the machine's speed affect all equally."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drift_cli.commands.bench.clock import REAL, Clock
from drift_cli.commands.bench.lap import Turn
from drift_cli.commands.bench.order import order
from drift_cli.commands.bench.race import Race
from drift_cli.commands.bench.stopwatch import Stopwatch

_LEAST_TURNS, _MOST_TURNS = 3, 60
_LONG = 2.0  # seconds
_LAP, _MOST_CALLS = 0.02, 20  # seconds of timed calls in a lap, and how many at most


def race(functions: Mapping[str, Callable[[], object]], seconds: float, clock: Clock = REAL) -> Race:
    """Run each in turn for about `seconds` in all; three turns at least.

    Nobody's first call counts, however long it takes. The second one says how many calls make a lap; it counts only
    for those that take over two seconds a call, which are not called again: theirs is one turn, with the first function
    right after them.
    """
    stopwatch, against = Stopwatch(clock), next(iter(functions))
    first_calls: dict[str, float] = {}
    calls: dict[str, int] = {}
    long: Turn = {}
    turns: list[Turn] = []
    for name, function in functions.items():
        first_calls[name], warm = stopwatch.lap(function, 1).seconds, stopwatch.lap(function, 1)
        if min(first_calls[name], warm.seconds) <= _LONG:  # a hiccup in one of them makes nobody long
            calls[name] = _calls(warm.seconds)
            continue
        long[name] = warm
        if against in calls:
            turns.append({name: warm, against: stopwatch.settled(functions[against], calls[against])})
    if against in long:
        turns.append(long | {name: stopwatch.settled(functions[name], calls[name]) for name in calls})
    began = clock.wall()
    for turn in range(_MOST_TURNS if calls else 0):
        if turn >= _LEAST_TURNS and clock.wall() - began > seconds:
            break
        turns.append({name: stopwatch.settled(functions[name], calls[name]) for name in order(list(calls), turn)})
    return Race(first_calls, tuple(turns))


def typical_ms(function: Callable[[], object], seconds: float) -> float:
    """Of one function alone."""
    return race({"it": function}, seconds).timing("it").ms


def _calls(length: float) -> int:
    """How many calls of this length fill a lap."""
    return max(1, min(_MOST_CALLS, round(_LAP / length)))
