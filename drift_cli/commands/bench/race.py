"""The times of several functions, in rounds, and the statistics computed from the rounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from drift_cli.commands.bench.lap import Turn
from drift_cli.commands.bench.ratio import Ratio
from drift_cli.commands.bench.timing import Timing


@dataclass(frozen=True)
class Race:
    """The turns, and the seconds of each one's first call, which is in none of them. Ratios are to the first name."""

    first_calls: Mapping[str, float]
    turns: tuple[Turn, ...]

    def timing(self, who: str) -> Timing:
        """Raises `KeyError` for one that did not run."""
        first_call, laps = self.first_calls[who], [turn[who] for turn in self.turns if who in turn]
        typical, calls = statistics.median(lap.seconds for lap in laps), [call for lap in laps for call in lap.calls]
        return Timing(
            ms=1e3 * typical,
            least_ms=1e3 * min(calls),
            start_up_ms=1e3 * max(0.0, first_call - typical),  # below 0 it is noise
            processor_share=sum(lap.thread for lap in laps) / sum(calls),
            ratio=self.ratio(who, next(iter(self.first_calls))),
        )

    def ratio(self, who: str, to: str) -> Ratio:
        """Time of `who` over that of `to`, of the turns that measured both: a machine that slows down slows both."""
        both = [turn for turn in self.turns if who in turn and to in turn]
        return Ratio.of([turn[who].seconds / turn[to].seconds for turn in both])
