"""A machine for the tests of measurements: time passes only while its functions work, at a speed that they can set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drift_cli.commands.bench.clock import Clock


@dataclass
class Machine:
    """`slowness(call)` multiplies the length of the machine's call number 0, 1, …; `share` of it is on a processor."""

    slowness: Callable[[int], float] = lambda call: 1.0
    share: float = 1.0
    now: float = 0.0
    calls: list[str] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.share * self.now)

    def function(self, name: str, seconds: float, first: float = 0.0) -> Callable[[], None]:
        """Takes `seconds` of work a call, and `first` more in its first."""

        def work() -> None:
            cold = first if name not in self.calls else 0.0
            self.now += (seconds + cold) * self.slowness(len(self.calls))
            self.calls.append(name)

        return work
