"""The table of `drift compare-operators`, as Markdown: one row an operator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from drift_cli.studies.compare_operators.runs import target_modes
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig

Row = list[str]


def markdown(config: CompareOperatorsConfig, summary: Mapping[str, float]) -> str:
    """The table as Markdown, with what its cells are."""
    cells = "SW-2 over its floor (mean ± sd over seeds)"
    if target_modes(config.dataset) is not None:
        floors = [f"{form} {_mode_floor(form, summary):.2f}" for form in config.forms]
        cells += f"; total variation of the mode weights (of the target's own samples: {', '.join(floors)})"
    rows = [headings(config), ["---"] * len(headings(config)), *table_rows(config, summary)]
    return f"{cells}:\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def headings(config: CompareOperatorsConfig) -> Row:
    starts = [f"{form}, {start.replace('_', ' ')}" for form in config.forms for start in config.starts]
    eta = ["η"] if "particles" in config.forms else []
    return ["operator", *eta, *starts, "ms per drift", "ms per step", "curl"]


def table_rows(config: CompareOperatorsConfig, summary: Mapping[str, float]) -> list[Row]:
    """One row an operator: SW-2 over its floor and, where there are modes, the error of their weights, by start."""
    rows = []
    for label in config.compared():
        eta = [f"{summary[f'{label}.eta']:g}"] if "particles" in config.forms else []
        cells = [_cell(f"{label}.{start}.{form}", summary) for form in config.forms for start in config.starts]
        times = [f"{summary[f'{label}.{what}']:.2f}" for what in ("ms_per_drift", "ms_per_step")]
        rows.append([label, *eta, *cells, *times, _small(summary.get(f"{label}.curl", np.nan))])
    return rows


def _cell(key: str, summary: Mapping[str, float]) -> str:
    if f"{key}.sw" not in summary:
        return "diverged"
    floor = summary[f"{key}.sw_floor"]
    spread = f" ± {summary[f'{key}.sw.sd'] / floor:.1f}" if f"{key}.sw.sd" in summary else ""
    modes = f"; {summary[f'{key}.mode_error']:.2f}" if f"{key}.mode_error" in summary else ""
    return f"{summary[f'{key}.sw'] / floor:.1f}{spread}{modes}"


def _small(value: float) -> str:
    """Two digits, and 0 for what rounding leaves."""
    return "–" if not np.isfinite(value) else "0" if value < 1e-3 else f"{value:.2f}"


def _mode_floor(form: str, summary: Mapping[str, float]) -> float:
    found = [value for key, value in summary.items() if key.endswith(f".{form}.mode_error_floor")]
    return float(np.mean(found)) if found else np.nan
