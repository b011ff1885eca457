"""Settings of `drift ablate-schedule`."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, Jobs, Positive, Resume, Samples, Steps, least, obeys, within
from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.rules import between, positive, positive_fraction, written
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.training.settings import CurveConfig, Device, EmaConfig

_LEAST = 1e-100  # the smallest factor asked of a mode
_NOTHING = 1e-3  # a horizon must take at least this share of one mode's amplitude


def something_decays(key: str, horizon: float, modes: int, sigma_0: float, sigma_min: float) -> None:
    """Refuse a horizon too short for any mode to lose a thousandth at the best bandwidth of the sweep."""
    best = [min(max(math.sqrt(2), sigma_min * k), sigma_0 * k) for k in range(1, modes + 1)]
    fastest = max(u**2 * math.exp(-(u**2) / 2) for u in best)
    if horizon * fastest < _NOTHING:
        enough = f"{_NOTHING / fastest:.3g}" if fastest > 0 else "no number"
        raise UserError(
            f"{key} must be long enough for a mode to decay, at least {enough} with bandwidths from {sigma_min:g} to "
            f"{sigma_0:g} and {modes} modes, got {horizon:g}: raise it, or bring the bandwidths nearer to 1.4/mode."
        )


def _mode_still_moves(key: str, last: float) -> None:
    """Refuse a last bandwidth at which the mode K decays at a rate that is zero to the precision of numbers."""
    between(key, last, 1e-4, 20)


def _open_fraction(key: str, value: float) -> None:
    if not _LEAST <= value < 1:
        raise UserError(
            f"{key} must be above 0 and below 1, at least {_LEAST:g}, got {value}: it is the factor that modes shrink "
            "by."
        )


@dataclass(kw_only=True)
class GridConfig(Checked):
    """The settings over which schedules are compared, and Theorem 6.2 is measured (`rates` and `epsilons`)."""

    prefix: ClassVar = "grid."
    modes: Annotated[list[int], within(1, 2000)]
    sigma_0: Annotated[list[float], obeys(positive)]
    last: Annotated[list[float], obeys(positive, _mode_still_moves)]
    horizons: Annotated[list[float], obeys(positive)]
    spectra: Annotated[list[float], least(0)]
    rates: Annotated[list[float], obeys(positive)]
    epsilons: Annotated[list[float], obeys(_open_fraction)]

    def check_together(self) -> None:
        widest, narrowest = max(self.last) / min(self.modes), min(self.sigma_0)
        if widest > narrowest:
            raise UserError(
                "each of grid.sigma_0 must be at least the largest grid.last over the smallest grid.modes, "
                f"{widest:g}, got {narrowest:g}: raise grid.sigma_0 or lower grid.last."
            )
        for sigma_0, modes, last in itertools.product(self.sigma_0, self.modes, self.last):
            something_decays("each of grid.horizons", min(self.horizons), modes, sigma_0, last / modes)


@dataclass(kw_only=True)
class AblateScheduleConfig(Checked):
    changeable: ClassVar = ("jobs", "executor")  # with resume=

    modes: Annotated[int, within(1, 2000)]
    epsilon: Annotated[float, obeys(_open_fraction)]
    sigma_0: Annotated[float, obeys(positive, partial(between, low=1e-6, high=1e6))]
    sigma_min: Annotated[float | None, obeys(positive)] = None
    horizon: Positive
    grid: GridConfig
    train: bool
    kernel: Settings
    drift: Settings
    generator: Settings
    optimizer: Settings
    ema: EmaConfig
    evaluation: CurveConfig
    floor: Annotated[float, obeys(positive_fraction)]
    batch_size: Samples
    steps: Steps
    seeds: Annotated[list[int], least(0)]
    mixture_side: Annotated[int, within(2, 64)]
    mixture_std: Positive
    device: Device
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None

    def check_together(self) -> None:
        if self.last >= self.sigma_0:
            raise UserError(
                f"sigma_min must be below sigma_0, {self.sigma_0:g}, got {self.last:g}: lower sigma_min or raise "
                "sigma_0."
            )
        _mode_still_moves("sigma_min times modes", self.last * self.modes)
        something_decays("horizon", self.horizon, self.modes, self.sigma_0, self.last)
        for name, word in self.kernel.left_open().items() if isinstance(self.kernel, Settings) else ():
            raise UserError(
                f"kernel.{name} must be a number here, because one kernel is used on two data sets, got {word}: give "
                "one."
            )
        if len(set(self.seeds)) < 2 or len(set(self.seeds)) < len(self.seeds):
            raise UserError(
                f"seeds must name at least 2 different seeds, for a standard deviation, got "
                f"{written(self.seeds)}: add some."
            )

    @property
    def last(self) -> float:
        """The bandwidth at the end of the sweep; √2/K, where mode K decays fastest, unless given."""
        return math.sqrt(2) / self.modes if self.sigma_min is None else self.sigma_min
