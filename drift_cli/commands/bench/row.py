"""One contestant in one cell of `drift bench`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drift_cli.commands.bench.settings import CLASSES
from drift_cli.commands.bench.timing import Timing


@dataclass(frozen=True)
class Row:
    """`peak_mb` is above the start, in 10⁶ bytes; `rel_err` against float64; `limit` the share of the machine's limit.

    None: there is no reference or no limit. `pairs_per_s` counts the 2·N² pairs of a drift, however often one visits
    them; of C classes 2·N²/C.
    """

    what: str
    who: str
    n: int
    d: int
    timing: Timing
    peak_mb: float
    rel_err: float | None = None
    limit: float | None = None

    @property
    def pairs_per_s(self) -> float:
        parts = CLASSES if self.what == "classes" else 1
        return 2 * self.n**2 / parts / (self.timing.ms / 1e3)

    def told(self) -> dict[str, Any]:
        """As bench.json has it."""
        return {
            **{"what": self.what, "who": self.who, "n": self.n, "d": self.d},
            **self.timing.told(),
            **{"peak_mb": self.peak_mb, "pairs_per_s": self.pairs_per_s, "rel_err": self.rel_err, "limit": self.limit},
        }
