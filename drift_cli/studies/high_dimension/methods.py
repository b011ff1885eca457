"""What is compared: each method at a bandwidth h, as the settings of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drift_cli.config.objects import Settings, with_defaults

if TYPE_CHECKING:
    from drift_cli.studies.high_dimension.settings import HighDimensionConfig

SCALES = 3  # bandwidths of the multi-scale drift
_TOLERANCE, _ITERATIONS = 0.1, 10  # of Sinkhorn's plans, which begin with the last step's; more change no outcome


@dataclass(frozen=True)
class AtBandwidth:
    """A method at one bandwidth. `step` is that of particles: one whole mean shift, or way to the projection."""

    kernel: Settings
    drift: Settings
    schedule: Settings
    step: float


@dataclass(frozen=True)
class Method:
    """`kernel` is the one whose automatic bandwidth is the unit of h; of Sinkhorn ε = h².

    `annealed`: from `reach` times h down to h. `scales`: the sum of the drifts at three bandwidths from h to `reach`
    times h. `title` is what figures call it.
    """

    title: str
    kernel: str
    annealed: bool = False
    scales: bool = False
    transport: bool = False

    def at(self, h: float, config: HighDimensionConfig, steps: int) -> AtBandwidth:
        widest = config.reach * h if self.annealed else h
        return AtBandwidth(
            with_defaults("kernel", self.kernel, bandwidth=widest),
            self._drift(h, config),
            with_defaults("schedule", "exponential", floor=h / widest, steps=max(1, round(config.sweep * steps)))
            if self.annealed
            else with_defaults("schedule", "constant"),
            1 / SCALES if self.scales else 1.0,
        )

    def _drift(self, h: float, config: HighDimensionConfig) -> Settings:
        if self.transport:
            return with_defaults("drift", "sinkhorn", epsilon=h**2, tol=_TOLERANCE, max_iter=_ITERATIONS, carry=True)
        if self.scales:
            factors = np.geomspace(1, config.reach, SCALES).tolist()
            return with_defaults("drift", "multi_temperature", self_term=config.self_term, factors=factors)
        return with_defaults("drift", "mean_shift", self_term=config.self_term)


METHODS = {
    "gaussian_annealed": Method("Gaussian, annealed", "gaussian", annealed=True),
    "gaussian": Method("Gaussian", "gaussian"),
    "laplace_annealed": Method("Laplace, annealed", "laplace", annealed=True),
    "laplace": Method("Laplace", "laplace"),
    "multi_scale": Method("Laplace, three scales", "laplace", scales=True),
    "sinkhorn": Method("Sinkhorn", "gaussian", transport=True),
}
OF_KERNELS = tuple(name for name, method in METHODS.items() if not method.transport)
