"""The table as Markdown: one row per operator."""

from __future__ import annotations

import numpy as np

from drift_cli.studies.compare_operators.comparison import Comparison, Outcome, StepSizes
from drift_cli.studies.compare_operators.runs import target_modes
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.numbers import Numbers

Row = list[str]


def markdown(config: CompareOperatorsConfig, etas: StepSizes, found: Comparison, costs: Numbers) -> str:
    """The table as Markdown, with what its cells are. `costs` are `<operator>.ms_per_drift` and `.ms_per_step`."""
    cells = "SW-2 over its floor (mean ± sd over seeds)"
    if target_modes(config.dataset) is not None:
        floors = [f"{form} {_mode_floor(form, config, found):.2f}" for form in config.forms]
        cells += f"; total variation of the mode weights (for the target's own samples: {', '.join(floors)})"
    rows = [headings(config), ["---"] * len(headings(config)), *table_rows(config, etas, found, costs)]
    return f"{cells}:\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def headings(config: CompareOperatorsConfig) -> Row:
    starts = [f"{form}, {start.replace('_', ' ')}" for form in config.forms for start in config.starts]
    eta = ["η"] if "particles" in config.forms else []
    return ["operator", *eta, *starts, "ms per drift", "ms per step", "curl"]


def table_rows(config: CompareOperatorsConfig, etas: StepSizes, found: Comparison, costs: Numbers) -> list[Row]:
    """One row an operator: SW-2 over its floor and, where there are modes, the error of their weights, by start."""
    rows = []
    for label in config.compared():
        eta = [f"{etas.operators[label].eta:g}"] if "particles" in config.forms else []
        cells = [_cell(found.outcome(label, start, form)) for form in config.forms for start in config.starts]
        times = [f"{costs.value(f'{label}.{what}'):.2f}" for what in ("ms_per_drift", "ms_per_step")]
        curl = found.fields[label].curl
        rows.append([label, *eta, *cells, *times, _small(np.nan if curl is None else curl.value)])
    return rows


def _cell(outcome: Outcome) -> str:
    if outcome.sw is None or outcome.sw_floor is None:
        return "diverged"
    sd = outcome.sw.spread().get("sd")
    spread = "" if sd is None else f" ± {sd / outcome.sw_floor:.1f}"
    modes = "" if outcome.mode_error is None else f"; {outcome.mode_error.value:.2f}"
    return f"{outcome.sw_over_floor:.1f}{spread}{modes}"


def _small(value: float) -> str:
    """Two digits, and 0 for what rounding leaves."""
    return "–" if not np.isfinite(value) else "0" if value < 1e-3 else f"{value:.2f}"


def _mode_floor(form: str, config: CompareOperatorsConfig, found: Comparison) -> float:
    own = [found.outcome(label, start, form) for label in config.compared() for start in config.starts]
    floors = [each.mode_error_floor for each in own if each.mode_error_floor is not None]
    return float(np.mean(floors)) if floors else np.nan
