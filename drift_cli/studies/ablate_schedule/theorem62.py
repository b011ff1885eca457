"""Theorem 6.2 over its settings, as a map, and how the time grows with K."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig, GridConfig
from drift_cli.studies.numbers import Interval, Measured, Table, columns, slope
from drift_cli.theory import theorem62
from drift_cli.theory.theorem62 import Theorem62

_MAP = 33  # rates and bandwidths along each side of the map
_DOUBLINGS = (30, 60, 120, 240, 480, 960)  # K along which the growth of the time is fitted
_WITHIN = 0.95  # r ln(1/ε) as a share of the largest that the theorem's condition allows
_VIOLATING = 3.5  # and r ln(1/ε) far outside

_Setting = tuple[int, float, float, float, float]  # K, σ₀, σ_min, r, ε


@dataclass(frozen=True)
class OverSettings(Measured):
    """Measured time over the bound in the settings with the exact condition and without it, and shares of settings.

    Of all settings: the slowest mode is K; the handy form of the condition says something else than the exact one.
    """

    theorem62_settings_with_condition: int
    theorem62_settings_without: int
    theorem62_ratio_with_condition: float | None  # the largest
    theorem62_ratio_without: float | None
    theorem62_smallest_ratio_without: float | None
    slowest_is_last_mode_fraction: float | None
    handy_form_wrong_fraction: float | None
    handy_form_wrong_fraction_sigma_0_from_1: float | None
    settings: list[tuple[_Setting, Theorem62]]

    def tables(self) -> dict[str, Table]:
        rows = [
            (*setting, each.bound, each.time, each.ratio, each.slowest, each.condition, each.handy)
            for setting, each in self.settings
        ]
        names = ("modes", "sigma_0", "sigma_min", "r", "epsilon", "bound", "time", "ratio", "slowest_mode", "condition",
                 "handy")  # fmt: skip
        return {"theorem62": columns(names, rows)} if rows else {}


@dataclass(frozen=True)
class Map(Measured):
    """Measured time over the bound for the settings' K and ε at σ_min = √2/K, over r ln(1/ε) and σ₀."""

    theorem62_ratio_at_handy_form: float  # the largest along the handy form
    products: np.ndarray  # r ln(1/ε)
    widths: np.ndarray  # σ₀
    ratio: np.ndarray  # [widths, products], as `slowest`
    slowest: np.ndarray
    exact: np.ndarray  # the largest r ln(1/ε) at each of `widths`, and that of the handy form
    handy: np.ndarray

    def tables(self) -> dict[str, Table]:
        products, widths = np.meshgrid(self.products, self.widths)
        flat = {"r_log": products, "sigma_0": widths, "ratio": self.ratio, "slowest": self.slowest}
        return {
            "theorem62_map": {name: values.ravel() for name, values in flat.items()},
            "theorem62_condition": {"sigma_0": self.widths, "largest_product": self.exact, "handy_form": self.handy},
        }


@dataclass(frozen=True)
class Growth(Measured):
    """The time of exponential annealing against K at fixed r, with the condition of Theorem 6.2 and far outside it.

    Its exponent in K, and its last increment per doubling of K over the first.
    """

    growth_exponent_with_condition: Interval
    increment_ratio_with_condition: float
    growth_exponent_without_condition: Interval
    increment_ratio_without_condition: float
    times: Table

    def tables(self) -> dict[str, Table]:
        return {"growth": self.times}


def over_settings(config: AblateScheduleConfig) -> OverSettings:
    """The bound against the measured time in every setting of the grid that the theorem speaks of."""
    found = [(setting, theorem62.measured(*setting)) for setting in _settings(config.grid)]
    good = [each.ratio for _, each in found if each.condition]
    bad = [each.ratio for _, each in found if not each.condition]
    wrong = [each.handy != each.condition for _, each in found]
    wide = [off for (setting, _), off in zip(found, wrong, strict=True) if setting[1] >= 1]
    are_last = [each.slowest == setting[0] for setting, each in found]
    return OverSettings(
        len(good), len(bad), max(good, default=None), max(bad, default=None), min(bad, default=None), _share(are_last),
        _share(wrong), (_share(wide) or 0.0) if found else None, found,
    )  # fmt: skip


def _settings(grid: GridConfig) -> list[_Setting]:
    """σ_min K at least √2, and σ_min below σ₀."""
    lasts = [last for last in grid.last if last >= math.sqrt(2) * (1 - 1e-12)]
    every = itertools.product(grid.modes, grid.sigma_0, lasts, grid.rates, grid.epsilons)
    return [(modes, wide, last / modes, r, epsilon) for modes, wide, last, r, epsilon in every if last / modes < wide]


def _share(those: list[bool]) -> float | None:
    return float(np.mean(those)) if those else None


def over_rates_and_widths(config: AblateScheduleConfig) -> Map:
    """The map, and the ratio along the handy form of the condition."""
    modes, epsilon = config.modes, config.epsilon
    sigma_min, level = math.sqrt(2) / modes, math.log(1 / epsilon)

    def at(width: float, product: float) -> Theorem62:
        return theorem62.measured(modes, width, sigma_min, product / level, epsilon)

    products = np.geomspace(0.1, 10, _MAP)
    widths = np.geomspace(max(0.2, 1.05 * sigma_min), max(10.0, 2 * sigma_min), _MAP)
    handy = -np.expm1(-(widths**2) / 2)
    cells = [[at(width, product) for product in products] for width in widths]
    ratio, slowest = (np.array([[getattr(cell, of) for cell in row] for row in cells]) for of in ("ratio", "slowest"))
    exact = np.array([theorem62.largest_product(modes, width, sigma_min) for width in widths])
    along = max(at(width, product).ratio for width, product in zip(widths, handy, strict=True))
    return Map(along, products, widths, ratio, slowest, exact, handy)


def growth(config: AblateScheduleConfig) -> Growth | None:
    """For K from 30 to 960; None where too few of them have σ_min below σ₀ to fit an exponent to."""
    every = [modes for modes in _DOUBLINGS if math.sqrt(2) / modes < config.sigma_0]
    if len(every) < 3:
        return None
    allowed = min(theorem62.largest_product(modes, config.sigma_0, math.sqrt(2) / modes) for modes in every)
    times = {
        "with_condition": _times(config, every, _WITHIN * allowed),
        "without_condition": _times(config, every, _VIOLATING),
    }
    exponents = [slope(np.log(every), np.log(each)) for each in times.values()]
    ratios = [float((each[-1] - each[-2]) / (each[1] - each[0])) for each in times.values()]
    return Growth(exponents[0], ratios[0], exponents[1], ratios[1], {"modes": every, **times})


def _times(config: AblateScheduleConfig, every: list[int], product: float) -> np.ndarray:
    """The measured time for each K, at r ln(1/ε) = `product`."""
    r = product / math.log(1 / config.epsilon)
    return np.array([theorem62.measured(k, config.sigma_0, math.sqrt(2) / k, r, config.epsilon).time for k in every])
