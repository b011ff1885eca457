"""The reported statistics of one contestant's time."""

from __future__ import annotations

from dataclasses import dataclass

from drift_cli.commands.bench.ratio import Ratio


@dataclass(frozen=True)
class Timing:
    """Wall times in ms, and the ratio to the first contestant.

    `ms` is of a typical call (the median over turns), `least_ms` of the shortest: what the machine does undisturbed.
    `start_up_ms` is by how much the first call, which never counts, was longer than a typical one: compilation, threads
    that are started, memory that is taken for the first time. `processor_share` is the part of the timed calls in which
    the calling thread had a processor: all of it where nobody else ran, since that thread takes part in all the work
    and waits only where it, or a thread that it waits for, was put off.
    """

    ms: float
    least_ms: float
    start_up_ms: float
    processor_share: float
    ratio: Ratio

    def told(self) -> dict[str, float]:
        """For a row of bench.json."""
        return {
            "ms": self.ms,
            "least_ms": self.least_ms,
            "start_up_ms": self.start_up_ms,
            "ratio": self.ratio.median,
            "ratio_low": self.ratio.low,
            "ratio_high": self.ratio.high,
            "turns": self.ratio.turns,
            "processor_share": self.processor_share,
        }
