from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from drift_cli.data import Endless
from drift_cli.data.swiss_roll import SwissRoll
from drift_cli.kernels import Laplace
from drift_cli.studies import numbers
from drift_cli.studies.stop_grad_study import mechanism, mechanism_figure, minibatch
from tests.problems.left import assert_drawn

DRAWN = True


def test_the_mechanism_is_exact_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[str] = []
    for name, value in (("SIZES", (128, 256, 512)), ("_POPULATION", 1024), ("_FACTORS", (1.0,))):
        monkeypatch.setattr(minibatch, name, value)
    monkeypatch.setattr(mechanism_figure, "SIZES", (128, 256, 512))
    monkeypatch.setattr(mechanism, "_MODES", (1, 5))
    monkeypatch.setattr(mechanism, "_TIMES", torch.linspace(0, 10, 11).numpy())
    targets, kernels = {"swiss_roll": Endless(SwissRoll(0.03))}, {"laplace": Laplace(0.15)}
    found = mechanism.measure(targets, kernels, 3, parts.append)
    summary = numbers.summary(found)
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
    assert mechanism_figure.mechanism(found, tmp_path) == tmp_path / "mechanism.png"
    assert_drawn(tmp_path, "mechanism")
    tables = numbers.tables(found)
    for name in ("cosines", "rates", "growth", "cloud", "minibatch"):
        (length,) = {len(column) for column in tables[f"mechanism_{name}"].values()}
        assert length > 1
