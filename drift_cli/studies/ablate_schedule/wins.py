"""Of `drift ablate-schedule`: which schedule has the least total error in which setting (Appendix F)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from drift_cli.studies.ablate_schedule import figures
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from drift_cli.studies.study import Study
from drift_cli.theory import schedule_comparison as comparison
from drift_cli.theory.annealing import SWEEPS, gaussian_rate
from drift_cli.theory.schedule_comparison import CONTESTANTS, Compared

_FAMILIES = tuple(SWEEPS)  # those that the paper compares


def wins(config: AblateScheduleConfig, s: Study) -> list[Compared]:
    """Who has the least total error in each setting of the grid, at the end of the sweep and held as long again."""
    grid = config.grid
    found = []
    for modes, sigma_0, last in itertools.product(grid.modes, grid.sigma_0, grid.last):
        if last / modes < sigma_0:
            found += comparison.compare(gaussian_rate, modes, sigma_0, last / modes, grid.horizons, grid.spectra)
    _write(s, found)
    _shares(s, found)
    for contestants, name in ((_FAMILIES, "winners"), (CONTESTANTS, "winners_of_all")):
        cells = {(e.setting, "end"): _winner(e.at_end, contestants) for e in found}
        cells |= {(e.setting, "held"): _winner(e.held, contestants) for e in found}
        s.figures.append(figures.winners(cells, contestants, name, s.path / "figures"))
    return found


def _write(s: Study, found: list[Compared]) -> None:
    """Every contestant's total error, setting by setting."""
    rows = []
    for each in found:
        setting = each.setting
        places = (setting.modes, setting.sigma_0, setting.sigma_min, setting.horizon, setting.spectrum)
        rows.append((*places, *each.at_end.values(), *each.held.values()))
    names = ("modes", "sigma_0", "sigma_min", "horizon", "spectrum")
    ends = (f"log_error_{when}_{name}" for when in ("end", "held") for name in CONTESTANTS)
    s.rows("comparison", (*names, *ends), rows)


def _shares(s: Study, found: list[Compared]) -> None:
    """The share of the settings that each wins, and exponential's of those with a wide start and a flat spectrum."""
    for when, errors in (("end", [e.at_end for e in found]), ("held", [e.held for e in found])):
        for field, contestants in (("wins", _FAMILIES), ("wins_of_all", CONTESTANTS)):
            winners = [_winner(error, contestants) for error in errors]
            s.summary |= {f"{field}_{when}.{name}": winners.count(name) / max(len(winners), 1) for name in contestants}
    chosen = [_winner(e.at_end, _FAMILIES) for e in found if e.setting.sigma_0 >= 3 and e.setting.spectrum == 0]
    if chosen:
        s.summary["wins_end_wide_flat.exponential"] = chosen.count("exponential") / len(chosen)


def _winner(errors: dict[str, float], names: Sequence[str]) -> str:
    return min(names, key=lambda name: errors[name])
