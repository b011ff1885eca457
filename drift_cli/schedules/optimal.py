"""The time-optimal schedule."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Self, cast

import numpy as np

from drift_cli.catalogue import check_member, find
from drift_cli.kernels.spectral import Spectral
from drift_cli.rules import at_least, between, positive_fraction
from drift_cli.schedules.base import Steps
from drift_cli.setting import Setting
from drift_cli.theory.optimal_schedule import optimal

_FREQUENCIES = 100
OF_KERNELS = ("gaussian", "laplace", "matern32", "matern52")  # which have a rate in every dimension
_has_rates = partial(check_member, group="kernel", choices=OF_KERNELS, needs="rate", settings=("bandwidth",))
_not_narrow = partial(between, low=1e-4, high=0.8)  # one bandwidth serves a narrower sweep best
_BEYOND = (1.2, 1.3, 1.4, 1.6, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Optimal:
    r"""The time-optimal staircase of bandwidths over the first `steps` steps, then held at the last one, the floor
    (ours).

    In the linear theory (`drift_cli.theory.optimal_schedule`) no schedule makes the slowest frequency between those of
    the two bandwidths faster: it solves a linear programme in the rates of the kernel.

    `schedule(step)` is the factor on the kernel's bandwidth at a training step. `kernel`: its rates in `dimension`
    dimensions determine the schedule, at any bandwidth.
    """

    floor: float
    steps: int
    kernel: Spectral
    dimension: int

    @classmethod
    def from_settings(
        cls,
        floor: Annotated[float, Setting("the last factor, sigma_min / sigma_0", (positive_fraction, _not_narrow))],
        steps: Steps,
        kernel: Annotated[str, Setting("the kernel whose rates determine the schedule", (_has_rates,))],
        dimension: Annotated[
            int, Setting("dimension of the data, on which the rates depend", (partial(at_least, least=1),))
        ],
    ) -> Self:
        return cls(floor, steps, cast(Spectral, find("kernel", kernel)(bandwidth=1.0)), dimension)

    def __call__(self, step: int) -> float:
        ends, factors = self._stairs
        return factors[min(bisect_right(ends, step / self.steps), len(factors) - 1)]

    @cached_property
    def _stairs(self) -> tuple[list[float], list[float]]:
        """Where each stair ends, from 0 to 1, and its factor.

        The frequencies reach beyond those that decay fastest at the first and at the last bandwidth by the least of a
        few factors with which the stairs begin at 1 and end at the floor: a wider band spends its time at the ends.
        """
        kernel, d = self.kernel.scaled(1 / self.kernel.bandwidth), self.dimension
        u = np.geomspace(0.01, 100, 4000)
        peak = float(u[np.argmax(kernel.rate(u, d))])
        for beyond in _BEYOND:
            k = np.geomspace(peak / beyond, peak * beyond / self.floor, _FREQUENCIES)
            found = optimal(lambda u: kernel.rate(u, d), k, self.floor, 1.0)
            if np.allclose(found.bandwidths[[0, -1]], [1.0, self.floor], rtol=1e-9):
                break
        return np.cumsum(found.shares).tolist(), found.bandwidths.tolist()
