"""Whether anything else ran on the machine while it was measured."""

from __future__ import annotations

import os
from dataclasses import dataclass

_UNDISTURBED = 0.9  # of the time: alone it was 0.95 to 1.0 here, with one busy neighbour on two cores 0.6
_SPARE = 0.5  # of a process: the load average lags and rounds


@dataclass(frozen=True)
class Load:
    """`processor_share` of `Timing`; the processes that ran or waited in the last minute, ours too; and the cores."""

    processor_share: float
    average: float | None
    cores: int

    @classmethod
    def now(cls, processor_share: float) -> Load:
        """With the system's own figures; the average is None where it keeps none."""
        average = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        return cls(processor_share, average, os.cpu_count() or 1)

    def warning(self) -> str | None:
        """One line where the machine was busy, else None."""
        crowded = self.average is not None and self.average > self.cores + _SPARE
        if self.processor_share >= _UNDISTURBED and not crowded:
            return None
        average = "" if self.average is None else f", load average {self.average:.1f} on {self.cores} cores"
        return (
            f"busy machine: a processor was available for {self.processor_share:.0%} of the timed calls{average}; "
            "rely on ratios and least times"
        )
