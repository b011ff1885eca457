"""Settings of `drift ablate-schedule`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.rules import (
    a_folder_or_none,
    at_least,
    between,
    check_samples,
    check_steps,
    not_empty,
    positive,
    positive_fraction,
)
from drift_cli.training.settings import DEVICES, EmaConfig, EvaluationConfig, known_device

_LEAST = 1e-100  # the smallest factor asked of a mode
_NOTHING = 1e-3  # a horizon must take at least this share of one mode's amplitude


@dataclass
class GridConfig:
    """The settings over which schedules are compared, and Theorem 6.2 is measured (`rates` and `epsilons`)."""

    modes: list[int] = MISSING
    sigma_0: list[float] = MISSING
    last: list[float] = MISSING
    horizons: list[float] = MISSING
    spectra: list[float] = MISSING
    rates: list[float] = MISSING
    epsilons: list[float] = MISSING

    def __post_init__(self) -> None:
        for key in ("modes", "sigma_0", "last", "horizons", "spectra", "rates", "epsilons"):
            not_empty(f"grid.{key}", getattr(self, key))
        for modes in self.modes:
            between("each of grid.modes", modes, 1, 2000)
        for key in ("sigma_0", "last", "horizons", "rates"):
            for value in getattr(self, key):
                positive(f"each of grid.{key}", value)
        for exponent in self.spectra:
            at_least("each of grid.spectra", exponent, 0)
        for epsilon in self.epsilons:
            _open_fraction("each of grid.epsilons", epsilon)
        for last in self.last:
            _mode_still_moves("each of grid.last", last)
        widest, narrowest = max(self.last) / min(self.modes), min(self.sigma_0)
        if widest > narrowest:
            raise UserError(
                f"each of grid.sigma_0 must be at least the largest grid.last over the smallest grid.modes, "
                f"{widest:g}, got {narrowest:g}: raise grid.sigma_0 or lower grid.last."
            )
        for sigma_0 in self.sigma_0:
            for modes in self.modes:
                for last in self.last:
                    something_decays("each of grid.horizons", min(self.horizons), modes, sigma_0, last / modes)


@dataclass
class AblateScheduleConfig:
    choices: ClassVar = {"device": DEVICES}
    changeable: ClassVar = ("jobs",)  # with resume=

    modes: int = MISSING
    epsilon: float = MISSING
    sigma_0: float = MISSING
    sigma_min: float | None = None
    horizon: float = MISSING
    grid: GridConfig = MISSING
    train: bool = MISSING
    kernel: Settings = MISSING
    drift: Settings = MISSING
    generator: Settings = MISSING
    optimizer: Settings = MISSING
    ema: EmaConfig = MISSING
    evaluation: EvaluationConfig = MISSING
    floor: float = MISSING
    batch_size: int = MISSING
    steps: int = MISSING
    seeds: list[int] = MISSING
    mixture_side: int = MISSING
    mixture_std: float = MISSING
    device: str = MISSING
    jobs: int | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        a_folder_or_none("resume", self.resume)
        between("modes", self.modes, 1, 2000)
        _open_fraction("epsilon", self.epsilon)
        positive("sigma_0", self.sigma_0)
        between("sigma_0", self.sigma_0, 1e-6, 1e6)
        if self.sigma_min is not None:
            positive("sigma_min", self.sigma_min)
        if self.last >= self.sigma_0:
            raise UserError(
                f"sigma_min must be below sigma_0, {self.sigma_0:g}, got {self.last:g}: lower sigma_min or raise "
                "sigma_0."
            )
        _mode_still_moves("sigma_min times modes", self.last * self.modes)
        positive("horizon", self.horizon)
        something_decays("horizon", self.horizon, self.modes, self.sigma_0, self.last)
        positive_fraction("floor", self.floor)
        check_samples("batch_size", self.batch_size)
        check_steps("steps", self.steps)
        for seed in self.seeds:
            at_least("each of seeds", seed, 0)
        if len(set(self.seeds)) < 2 or len(set(self.seeds)) < len(self.seeds):
            raise UserError(f"seeds must name at least 2 different seeds, for a deviation, got {self.seeds}.")
        between("mixture_side", self.mixture_side, 2, 64)
        positive("mixture_std", self.mixture_std)
        known_device(self.device)
        if self.jobs is not None:
            between("jobs", self.jobs, 1, 1024)

    @property
    def last(self) -> float:
        """The bandwidth at the end of the sweep; √2/K, where mode K decays fastest, unless given."""
        return math.sqrt(2) / self.modes if self.sigma_min is None else self.sigma_min


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
