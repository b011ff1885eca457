"""Which schedule has the least total error in which setting (Appendix F)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.numbers import Measured, Table, columns
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS
from drift_cli.theory.schedule_comparison import CONTESTANTS, Compared
from drift_cli.theory.theorem62 import gaussian_rate

FAMILIES = tuple(SWEEPS)  # those that the paper compares


@dataclass(frozen=True)
class Wins(Measured):
    """The share of the settings that each wins, of `FAMILIES` and of all, at the end of the sweep and held.

    And exponential's share of those with a wide start, σ₀ ≥ 3, and a flat spectrum; empty where there are none.
    """

    wins_end: dict[str, float]
    wins_of_all_end: dict[str, float]
    wins_held: dict[str, float]
    wins_of_all_held: dict[str, float]
    wins_end_wide_flat: dict[str, float]
    compared: list[Compared]

    def tables(self) -> dict[str, Table]:
        rows = [(*vars(each.setting).values(), *each.at_end.values(), *each.held.values()) for each in self.compared]
        names = ("modes", "sigma_0", "sigma_min", "horizon", "spectrum")
        ends = (f"log_error_{when}_{name}" for when in ("end", "held") for name in CONTESTANTS)
        return {"comparison": columns((*names, *ends), rows)}


def wins(config: AblateScheduleConfig) -> Wins:
    """Who has the least total error in each setting of the grid, at the end of the sweep and held as long again."""
    grid, found = config.grid, []
    for modes, sigma_0, last in itertools.product(grid.modes, grid.sigma_0, grid.last):
        if last / modes < sigma_0:
            found += comparison.compare(gaussian_rate, modes, sigma_0, last / modes, grid.horizons, grid.spectra)
    end, held = [each.at_end for each in found], [each.held for each in found]
    wide = [each.at_end for each in found if each.setting.sigma_0 >= 3 and each.setting.spectrum == 0]
    return Wins(
        _shares(end, FAMILIES), _shares(end, CONTESTANTS), _shares(held, FAMILIES), _shares(held, CONTESTANTS),
        {"exponential": _shares(wide, FAMILIES)["exponential"]} if wide else {}, found,
    )  # fmt: skip


def _shares(errors: list[dict[str, float]], names: Sequence[str]) -> dict[str, float]:
    winners = [winner(each, names) for each in errors]
    return {name: winners.count(name) / max(len(winners), 1) for name in names}


def winner(errors: dict[str, float], names: Sequence[str]) -> str:
    """Who of `names` has the least error."""
    return min(names, key=lambda name: errors[name])
