"""What is run: each family as a kernel and a drift, for the frequencies 1 … K or at its automatic bandwidth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from drift_cli.config.objects import Settings, with_defaults
from drift_cli.studies.design_kernel.contenders import TEMPERATURES, TITLES, contenders

PERIOD = 2 * math.pi
REACH = 8.0  # an annealed bandwidth falls from this many times its last
_SWEEP = 0.75  # in this share of the steps


@dataclass(frozen=True)
class Method:
    """A kernel of the configuration.

    `factors` of its bandwidth at which drifts are summed, if they are. `annealed`: from `REACH` times the bandwidth.
    """

    kernel: str
    settings: tuple[tuple[str, Any], ...] = ()
    factors: tuple[float, ...] = ()
    annealed: bool = False

    @property
    def step(self) -> float:
        """That makes a sum of drifts their mean."""
        return 1 / max(1, len(self.factors))

    def kernel_at(self, bandwidth: float | str, modes: int, dimension: float | str) -> Settings:
        designed: dict[str, Any] = {"modes": modes, "dimension": dimension} if self.kernel == "designed" else {}
        return with_defaults("kernel", self.kernel, bandwidth=bandwidth, **designed, **dict(self.settings))

    def schedule(self, steps: int) -> Settings:
        """Factors of the bandwidth, which is the last one."""
        if not self.annealed:
            return with_defaults("schedule", "constant")
        return with_defaults("schedule", "exponential", floor=1 / REACH, steps=max(1, round(_SWEEP * steps)))

    def drift(self, self_term: str) -> Settings:
        if self.factors:
            return with_defaults("drift", "multi_temperature", self_term=self_term, factors=list(self.factors))
        return with_defaults("drift", "mean_shift", self_term=self_term)


METHODS = {
    "gaussian": Method("gaussian"),
    "annealing": Method("gaussian", annealed=True),
    "laplace": Method("laplace"),
    "three_drifts": Method("laplace", factors=TEMPERATURES),
    "critical": Method("designed", (("design", "critical"),)),
    "log_uniform": Method("designed", (("design", "log_uniform"),)),
    "optimal": Method("designed", (("design", "optimal"),)),
}
NAMES = {**TITLES, "annealing": "annealed Gaussian"}


def bandwidths(modes: int, d: int, length: float) -> dict[str, float]:
    """Of each method at its best for the frequencies 1 … K, of which the lowest has this wavelength."""
    found = {name: each.bandwidth for name, each in contenders(modes, d).items()} | {"annealing": math.sqrt(2) / modes}
    return {name: found[name] * length / PERIOD for name in METHODS}
