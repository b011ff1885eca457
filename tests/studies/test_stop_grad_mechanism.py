from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch
from rich.progress import Progress

from drift_cli.console import make as make_console
from drift_cli.data import Endless
from drift_cli.data.swiss_roll import SwissRoll
from drift_cli.kernels import Laplace
from drift_cli.studies.stop_grad_study import mechanism
from drift_cli.studies.stop_grad_study import minibatch as stop_grad_minibatch
from drift_cli.studies.study import Study


@pytest.fixture
def opened(tmp_path: Path) -> Study:
    console = make_console()
    progress = Progress(console=console, disable=True)
    progress.add_task("", total=mechanism.PARTS)
    return Study("stop-grad-study", tmp_path, console, progress)


def test_the_mechanism_leaves_its_numbers_curves_and_figure(opened: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[str] = []
    monkeypatch.setattr(opened, "part", parts.append)
    for name, value in (("SIZES", (128, 256, 512)), ("_POPULATION", 1024), ("_FACTORS", (1.0,))):
        monkeypatch.setattr(stop_grad_minibatch, name, value)
    monkeypatch.setattr(mechanism, "_MODES", (1, 5))
    monkeypatch.setattr(mechanism, "_TIMES", torch.linspace(0, 10, 11).numpy())
    mechanism.measure({"swiss_roll": Endless(SwissRoll(0.03))}, {"laplace": Laplace(0.15)}, 3, opened)
    summary = opened.summary
    assert len(parts) == mechanism.PARTS
    assert all(isinstance(value, float) and math.isfinite(value) for value in summary.values())
    assert summary["derivative_error"] < 1e-12
    assert summary["euler_step_error"] < 1e-12
    # 300 particles on the circle: the Laplace kernel's cusp is (h/τ)²/6 = 8e-4 of λ, over λ for the squared rate
    assert summary["stopped_rate_error"] < 1e-3
    assert summary["unstopped_rate_query"] < 1e-3
    assert summary["unstopped_rate_error"] < 1e-2
    assert summary["collapse_rate_error"] < 1e-3  # central differences at the cusp
    assert summary["collapse_spread_rate.none"] > 0 > summary["collapse_spread_rate.both"]
    assert summary["swiss_roll.laplace.collapse_std_ratio.none"] > 1
    assert summary["swiss_roll.laplace.collapse_std_ratio.both"] < 1
    assert summary["minibatch_collapsed_over_truth.max"] < 1
    key = "swiss_roll.laplace.minibatch_exponent_truth"
    assert summary[f"{key}.ci_low"] <= summary[key] <= summary[f"{key}.ci_high"]
    assert [path.suffix for path in opened.figures] == [".png"]
    assert opened.figures[0].with_suffix(".svg").exists()
    for name in ("cosines", "rates", "growth", "cloud", "minibatch"):
        with (opened.path / "data" / f"mechanism_{name}.csv").open() as file:
            rows = list(csv.reader(file))
        assert len(rows) > 2
        assert {len(row) for row in rows} == {len(rows[0])}
