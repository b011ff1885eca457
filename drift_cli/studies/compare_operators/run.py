"""Every drift operator from the same starts, as particles and as a generator; Figure 5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli.console import make as make_console
from drift_cli.data import target_of
from drift_cli.figures.attempts import Drawing
from drift_cli.files import whole
from drift_cli.studies.compare_operators import comparison, fields, figure_5, figures, plan, reported, runs
from drift_cli.studies.compare_operators.comparison import Comparison
from drift_cli.studies.compare_operators.figures import Panel
from drift_cli.studies.compare_operators.plan import Runs
from drift_cli.studies.compare_operators.runs import OperatorRun
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.studies.compare_operators.table import markdown
from drift_cli.studies.kept_runs import finished_runs
from drift_cli.studies.numbers import Measured, Numbers
from drift_cli.studies.study import Study, study
from drift_cli.studies.training import plain
from drift_cli.training.bandwidth import found_on
from drift_cli.training.streams import stream

_SHOWN = 400  # points of the target behind the gallery


def run(config: CompareOperatorsConfig, path: Path) -> None:
    """Choose the step sizes, make every run that is not made yet, and write table, curves, figures and summary."""
    config = _with_bandwidths(config)
    runs.check(config)
    before = plan.preparations(config)
    parts = len(before) + len(plan.cases(config)) + 2
    with study("compare-operators", config, path, config.seeds[0], parts, resumable=True) as s:
        costs = _costs(config, s)
        prepared = finished_runs(config, s, before, _told)
        etas = comparison.step_sizes(config, prepared)
        s.leave(etas)
        found = finished_runs(config, s, plan.jobs(config, etas.of, path / "runs"), _told)
        s.part("evaluating the runs")
        compared = comparison.comparison(config, prepared, found)
        for told in comparison.capped(config, compared):
            s.warn(told)
        table = markdown(config, etas, compared, costs)
        with whole(path / "table.md") as beside:
            beside.write_text(table, encoding="utf-8")
        s.console.print(table, highlight=False, soft_wrap=True)
        s.leave(comparison.courses(config, found))
        if config.dataset.name == "checkerboard" and "own" in config.starts:  # as in Figure 5
            s.leave(figure_5.figure_5(config, compared, found))
            s.leave(reported.figure_5(config, found))
        s.leave(compared, _drawn(config, compared, found, s.drawings))


def _told(run: OperatorRun) -> str:
    step = "" if run.eta is None else f", eta {run.eta:g}"
    return f"{run.form}, {run.operator}, {run.start}, seed {run.seed}{step}"


def _with_bandwidths(config: CompareOperatorsConfig) -> CompareOperatorsConfig:
    """With those that are left to the data as numbers, so that every run has the same and `resume=` finds it."""
    target, operators = target_of(config.dataset.made()), dict(config.operators)
    for label, operator in config.compared().items():
        kernel, told = found_on(target, operator.kernel)
        if told:
            operators[label] = {**operators[label], "bandwidth": kernel.bandwidth}
            make_console().print(told.replace("kernel.", f"operators.{label}."), highlight=False, soft_wrap=True)
    return replace(config, operators=operators)


def _costs(config: CompareOperatorsConfig, s: Study) -> Numbers:
    asked = {
        "operators": {label: plain(operator) for label, operator in config.compared().items()},
        "dataset": plain(config.dataset),
        "n": config.batch_size,
        "rounds": config.rounds,
        "generator": plain(config.generator),
    }

    def measure() -> tuple[Measured, list[Drawing]]:
        s.part("the time of a drift and of a step")
        return fields.milliseconds(config), []

    return s.once("milliseconds", asked, 1, measure)


def _drawn(config: CompareOperatorsConfig, compared: Comparison, found: Runs, folder: Path) -> Iterator[Drawing]:
    draw = stream(config.seeds[0], "snapshot")
    target = target_of(config.dataset.made()).sample(_SHOWN, draw, torch.float64).points.numpy()
    labels = list(config.compared())
    for form in config.forms:
        shown = {
            (label, start): _panel(
                found[OperatorRun(form, label, start, config.seeds[0])], compared, label, start, form
            )
            for label in labels
            for start in config.starts
        }
        yield f"gallery of {form}s", partial(figures.gallery, shown, labels, config.starts, target, form, folder)
    if "own" in config.starts:
        names = figure_5.names(config)
        own = {
            names[label]: [found[OperatorRun("generator", label, "own", seed)] for seed in config.seeds]
            for label in labels
        }
        yield "training", lambda: figures.training(own, target, folder)


def _panel(found: Mapping[str, Any], compared: Comparison, label: str, start: str, form: str) -> Panel:
    """The samples of one run, and what its panel says of the mean over seeds."""
    outcome = compared.outcome(label, start, form)
    if "samples" not in found or outcome.sw is None:
        return None, "diverged"
    told = f"SW {outcome.sw_over_floor:.1f} floors"
    if outcome.mode_error is not None:
        told += f", TV {outcome.mode_error.value:.2f}"
    return np.array(found["samples"]), told
