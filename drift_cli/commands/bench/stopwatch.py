"""Times calls, each until the device has finished it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from drift_cli.commands.bench.clock import Clock
from drift_cli.commands.bench.lap import Lap


@dataclass(frozen=True)
class Stopwatch:
    clock: Clock

    def lap(self, function: Callable[[], object], calls: int) -> Lap:
        """So many calls, each timed."""
        began = self.clock.thread()
        times = tuple(self._seconds(function) for _ in range(calls))
        return Lap(times, self.clock.thread() - began)

    def settled(self, function: Callable[[], object], calls: int) -> Lap:
        """A lap as in a training run: after a call that finds caches and threads as the one before left them."""
        if calls > 1:  # a long call warms itself
            self._seconds(function)
        return self.lap(function, calls)

    def _seconds(self, function: Callable[[], object]) -> float:
        began = self.clock.wall()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return self.clock.wall() - began
