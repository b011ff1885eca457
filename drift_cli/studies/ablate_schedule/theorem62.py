"""Of `drift ablate-schedule`: Theorem 6.2 over its settings, as a map, and how the time grows with K."""

from __future__ import annotations

import itertools
import math

import numpy as np

from drift_cli.studies.ablate_schedule import figures
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.study import Study
from drift_cli.theory import annealing
from drift_cli.theory.annealing import Theorem62
from drift_cli.theory.fits import fit

Measured = list[tuple[dict[str, float], Theorem62]]  # setting by setting

_MAP = 33  # rates and bandwidths along each side of the map
_DOUBLINGS = (30, 60, 120, 240, 480, 960)  # K along which the growth of the time is fitted
_WITHIN = 0.95  # r ln(1/ε) as a share of the largest that the theorem's condition allows
_VIOLATING = 3.5  # and r ln(1/ε) far outside


def over_settings(config: AblateScheduleConfig, s: Study) -> Measured:
    """The bound over the grid of settings, and the map of measured time over bound."""
    found = _measured(config)
    rows = [
        (*setting.values(), each.bound, each.time, each.ratio, each.slowest, each.condition, each.handy)
        for setting, each in found
    ]
    names = ("modes", "sigma_0", "sigma_min", "r", "epsilon")
    s.rows("theorem62", (*names, "bound", "time", "ratio", "slowest_mode", "condition", "handy"), rows)
    _summarise(s, found)
    _map(config, s)
    return found


def _measured(config: AblateScheduleConfig) -> Measured:
    """Every setting of the grid that the theorem speaks of: σ_min K at least √2, and σ_min below σ₀."""
    grid, found = config.grid, []
    lasts = [x for x in grid.last if x >= math.sqrt(2) * (1 - 1e-12)]
    for modes, sigma_0, last, r, epsilon in itertools.product(
        grid.modes, grid.sigma_0, lasts, grid.rates, grid.epsilons
    ):
        if last / modes < sigma_0:
            setting = {"modes": modes, "sigma_0": sigma_0, "sigma_min": last / modes, "r": r, "epsilon": epsilon}
            found.append((setting, annealing.theorem62(modes, sigma_0, last / modes, r, epsilon)))
    return found


def _summarise(s: Study, found: Measured) -> None:
    """Time over bound with the condition and without, the slowest mode, and where the handy form misleads."""
    good = [each.ratio for _, each in found if each.condition]
    bad = [each.ratio for _, each in found if not each.condition]
    s.summary["theorem62_settings_with_condition"] = len(good)
    s.summary["theorem62_settings_without"] = len(bad)
    if good:
        s.summary["theorem62_ratio_with_condition"] = max(good)
    if bad:
        s.summary["theorem62_ratio_without"] = max(bad)
        s.summary["theorem62_smallest_ratio_without"] = min(bad)
    if found:
        are_last = [each.slowest == setting["modes"] for setting, each in found]
        s.summary["slowest_is_last_mode_fraction"] = float(np.mean(are_last))
        s.summary["handy_form_wrong_fraction"] = float(np.mean([e.handy != e.condition for _, e in found]))
        wide = [e.handy != e.condition for setting, e in found if setting["sigma_0"] >= 1]
        s.summary["handy_form_wrong_fraction_sigma_0_from_1"] = float(np.mean(wide)) if wide else 0.0


def _map(config: AblateScheduleConfig, s: Study) -> None:
    """Measured time over the bound for the settings' K and ε at σ_min = √2/K, over r and σ₀."""
    sigma_min, level = math.sqrt(2) / config.modes, math.log(1 / config.epsilon)
    products = np.geomspace(0.1, 10, _MAP)
    widths = np.geomspace(max(0.2, 1.05 * sigma_min), max(10.0, 2 * sigma_min), _MAP)
    cells = [
        [annealing.theorem62(config.modes, width, sigma_min, product / level, config.epsilon) for product in products]
        for width in widths
    ]
    ratio, slowest = (
        np.array([[getattr(cell, part) for cell in row] for row in cells]) for part in ("ratio", "slowest")
    )
    exact = np.array([annealing.largest_product(config.modes, width, sigma_min) for width in widths])
    handy = -np.expm1(-(widths**2) / 2)
    places = np.meshgrid(products, widths)
    flat = {
        "r_log": places[0].ravel(),
        "sigma_0": places[1].ravel(),
        "ratio": ratio.ravel(),
        "slowest": slowest.ravel(),
    }
    s.curves("theorem62_map", flat)
    s.curves("theorem62_condition", {"sigma_0": widths, "largest_product": exact, "handy_form": handy})
    at_handy = [annealing.theorem62(config.modes, w, sigma_min, h / level, config.epsilon).ratio
                for w, h in zip(widths, handy, strict=True)]  # fmt: skip
    s.summary["theorem62_ratio_at_handy_form"] = max(at_handy)
    s.figures.append(
        figures.theorem(
            products, widths, ratio, slowest, exact, handy, config.modes, config.epsilon, s.path / "figures"
        )
    )


def growth(config: AblateScheduleConfig, s: Study) -> None:
    """The time of exponential annealing against K at fixed r, with the condition of Theorem 6.2 and far outside it."""
    level = math.log(1 / config.epsilon)
    every = [modes for modes in _DOUBLINGS if math.sqrt(2) / modes < config.sigma_0]
    if len(every) < 3:  # too few for an interval of the exponent
        return
    allowed = min(annealing.largest_product(modes, config.sigma_0, math.sqrt(2) / modes) for modes in every)
    times = {}
    for name, product in (("with_condition", _WITHIN * allowed), ("without_condition", _VIOLATING)):
        found = [
            annealing.theorem62(modes, config.sigma_0, math.sqrt(2) / modes, product / level, config.epsilon).time
            for modes in every
        ]
        times[name] = np.array(found)
        line = fit(np.log(every), np.log(times[name]))
        s.interval(f"growth_exponent_{name}", line.slope, line.low, line.high)
        increments = np.diff(times[name])
        s.summary[f"increment_ratio_{name}"] = float(increments[-1] / increments[0])
    s.curves("growth", {"modes": np.array(every), **times})
