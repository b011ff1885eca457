"""`drift compare-operators`: every drift operator from the same starts, as particles and as a generator; Figure 5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli.data import target_of
from drift_cli.runs.folder import RunFolder
from drift_cli.studies.compare_operators import comparison as operator_numbers
from drift_cli.studies.compare_operators import fields as operator_fields
from drift_cli.studies.compare_operators import figure_5 as operator_figure_5
from drift_cli.studies.compare_operators import figures
from drift_cli.studies.compare_operators import plan as operator_plan
from drift_cli.studies.compare_operators import reported as operator_reported
from drift_cli.studies.compare_operators import runs as operator_runs
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import Case, plain
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.compare_operators.table import markdown
from drift_cli.studies.study import Study, refuse_another, study
from drift_cli.training.streams import stream

_SHOWN = 400  # points of the target behind the gallery


@dataclass(frozen=True)
class Result:
    """What was measured, and every run as it is kept."""

    summary: dict[str, float]
    runs: Runs


def run(config: CompareOperatorsConfig, path: Path) -> Result:
    """Choose the step sizes, make every run that is not made yet, and write table, curves, figures and summary."""
    operator_runs.check(config)
    refuse_another(config, path)
    path.mkdir(parents=True, exist_ok=True)
    before = operator_plan.preparations(config)
    parts = len(before) + len(operator_plan.cases(config)) + 2
    with (
        RunFolder(path).locked(),
        study("compare-operators", config, path, config.seeds[0], parts, resumable=True) as s,
    ):
        _milliseconds(config, s)
        prepared = operator_plan.made(config, s, before, "prepared")
        etas = operator_numbers.step_sizes(config, s, prepared)
        plan = {case: operator_plan.job(config, case, etas, path / "runs") for case in operator_plan.cases(config)}
        runs = operator_plan.made(config, s, plan, "run")
        s.part("what the runs say")
        operator_numbers.summarise(config, s, prepared, runs)
        operator_numbers.curves(config, s, runs)
        table = markdown(config, s.summary)
        (path / "table.md").write_text(table)
        s.console.print(table, highlight=False, soft_wrap=True)
        if config.dataset.name == "checkerboard" and "own" in config.starts:
            operator_figure_5.measure(config, s, runs)
            operator_reported.figure_5(config, s, runs)
        _draw(config, s, runs)
    return Result(s.summary, runs)


def _milliseconds(config: CompareOperatorsConfig, s: Study) -> None:
    """`<operator>.ms_per_drift` and `.ms_per_step`."""
    asked = {
        "operators": {label: plain(operator) for label, operator in config.compared().items()},
        "dataset": plain(config.dataset),
        "n": config.batch_size,
        "rounds": config.rounds,
        "generator": plain(config.generator),
    }

    def measure() -> None:
        s.part("the time of a drift and of a step")
        for label, (of_drift, of_step) in operator_fields.milliseconds(config).items():
            s.summary |= {f"{label}.ms_per_drift": of_drift, f"{label}.ms_per_step": of_step}

    s.once("milliseconds", asked, 1, measure)


def _draw(config: CompareOperatorsConfig, s: Study, runs: Runs) -> None:
    folder = s.path / "figures"
    draw = stream(config.seeds[0], "snapshot")
    target = target_of(config.dataset.made()).sample(_SHOWN, draw, torch.float64).points.numpy()
    labels = list(config.compared())
    for form in config.forms:
        shown = {
            (label, start): _panel(s, runs[Case(form, label, start, config.seeds[0])], f"{label}.{start}.{form}")
            for label in labels
            for start in config.starts
        }
        s.figures.append(figures.gallery(shown, labels, config.starts, target, form, folder))
    if "own" in config.starts:
        names = operator_figure_5.names(config)
        own = {names[label]: [runs[Case("generator", label, "own", seed)] for seed in config.seeds] for label in labels}
        s.figures.append(figures.training(own, target, folder))


def _panel(s: Study, found: Mapping[str, Any], key: str) -> tuple[np.ndarray | None, str]:
    """The samples of one run, and what its panel says of the mean over seeds."""
    if "samples" not in found or f"{key}.sw" not in s.summary:
        return None, "diverged"
    told = f"SW {s.summary[f'{key}.sw'] / s.summary[f'{key}.sw_floor']:.1f} floors"
    if f"{key}.mode_error" in s.summary:
        told += f", TV {s.summary[f'{key}.mode_error']:.2f}"
    return np.array(found["samples"]), told
