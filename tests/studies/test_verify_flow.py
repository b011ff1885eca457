from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from drift_cli.report import claims
from drift_cli.report.claims import Verdict
from drift_cli.shell.cli import main
from drift_cli.studies.verify_flow import descent, limits
from tests.problems.left import assert_drawn, tables

DRAWN = True

SMALL = [
    "bandwidths=[0.5]",
    "nodes=12",
    "particles=20",
    "plane_particles=2",
    "gap_bandwidths=[0.01,0.02,0.04,0.4]",
    "quantiles=30",
    "taus=[0.001,0.003,0.01]",
    "scheme_steps=5",
    "limit_horizon=2",
    "limit_steps=[4,8,16]",
    "configurations=20",
    "ascents=2",
    "noised_draws=[16]",
    "noised_runs=16",
]
FEWER = {
    "_STEPS": (32, 128, 512),
    "_FEW": 10,
    "_NUMBERS": (12, 100, 800),  # farther apart, so that fewer repeats tell their order as well
    "_REPEATS": 16,
    "_MANY": 800,
    "_CROWDS": (25, 50, 100),
    "_CROWD": 50,
    "_PLACES": 21,
}
TABLES = {
    "counterexample": ("time,position_drift,position_velocity,energy_drift,energy_velocity", 301),
    "energies": ("tau,step,jko,frozen,drift", 2 * 6),
    "energy_continuity": ("bandwidth,points,excess,escaping", 5),
    "euler": ("eta,error", 3),
    "gap": ("bandwidth,sup,norm,relative,bound", 4),
    "jko_limit": ("tau,to_flow,to_drift_flow", 3),
    "jko_steps": (
        "bandwidth,start,tau,frozen,drift,step,residual,curvature,disorder,euler_lagrange,euler_lagrange_frozen",
        3 * 3,
    ),
    "landscape": ("x,drift,velocity,energy", 801),
    "mean_field": ("particles,distance,standard_error", 3),
    "mode_gap": ("bandwidth,mode,rate_drift,rate_exact,measured,formula", 8),
    "noised_queries": ("time,energy_mean_draws16,energy_sd_draws16", 1201),
    "search": ("kind,particles,rising,low,high,least_agreement", 2 * 4),
    "velocity_changes": ("bandwidth,distance,change", 6 * 5),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify-flow")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FEWER.items():
            patch.setattr(limits, name, value)
        patch.setattr(descent, "_TIMES", 301)
        assert main(["verify-flow", *SMALL, f"hydra.run.dir={path}"]) == 0
    return path


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def test_every_claim_is_judged(summary: dict[str, float]) -> None:
    assert all(math.isfinite(value) for value in summary.values())
    verdicts = {each.claim.id: each for each in claims.judge("verify-flow", summary)}
    untested = {name: each.reason for name, each in verdicts.items() if each.verdict == Verdict.UNTESTED}
    assert untested == {"flow-gap-order": claims.TOO_WIDE}  # an order from three bandwidths
    refuted = {name for name, each in verdicts.items() if each.verdict == Verdict.REFUTED}
    assert refuted == {"flow-drift-is-the-gradient", "flow-plain-step", "flow-descent"}


def test_measured_numbers(summary: dict[str, float]) -> None:
    assert summary["first_variation_error"] < 1e-12
    assert summary["first_variation_error_plane"] < 1e-12
    assert summary["plain_drift_difference"] > 0.1
    assert summary["jko_residual"] <= 1e-10
    assert summary["jko_disorder"] == 0
    assert summary["jko_order_frozen"] == pytest.approx(2, abs=0.05)
    assert summary["jko_order_drift"] == pytest.approx(1, abs=0.05)
    assert summary["jko_order_frozen.ci_low"] < summary["jko_order_frozen"] < summary["jko_order_frozen.ci_high"]
    assert summary["energy_rises_along_drift"] > 0.04
    assert summary["energy_rises_along_drift_cloud"] > 0.04
    assert summary["energy_rises_along_exact"] == 0
    assert summary["energy_rate_drift"] > 0 > summary["energy_rate_exact"]
    assert summary["energy_end_drift"] > 1 > summary["energy_end_exact"]
    assert summary["energy_rate_error"] < 1e-6
    assert summary["jko_duality_gap"] < 1e-5 < summary["frozen_duality_gap"]
    assert summary["jko_summability"] < 1 < summary["frozen_summability"]
    assert summary["euler_error"] < 0.01 < summary["euler_error_gradient"]
    assert summary["mean_field_distance"] < 0.05 < summary["mean_field_distance_attraction"]


def test_curves_and_figures_are_left_behind(folder: Path, summary: dict[str, float]) -> None:
    assert_drawn(folder / "figures", "gap", "jko", "energies", "counterexample", "limits")
    found = tables(folder / "data", TABLES)
    assert (found["gap"]["sup"] <= found["gap"]["bound"]).all()
    assert found["jko_steps"]["residual"].max() == summary["jko_residual"]
    assert (found["jko_steps"]["frozen"] < found["jko_steps"]["drift"]).all()
    assert found["euler"]["error"][-1] == summary["euler_error"]
    assert found["mean_field"]["distance"][-1] == summary["mean_field_distance"]
    for curve in (found["euler"]["error"], found["jko_limit"]["to_flow"], found["mean_field"]["distance"]):
        assert (np.diff(curve) < 0).all()
    assert (np.diff(found["energies"]["jko"].reshape(2, 6)) < 0).all()
    assert (np.diff(np.abs(found["energy_continuity"]["excess"])) < 0).all()
    assert found["counterexample"]["energy_drift"][-1] == summary["energy_end_drift"]
    assert (np.diff(found["counterexample"]["energy_velocity"]) <= 0).all()
    start, rows = found["counterexample"]["energy_drift"][0], found["landscape"]
    assert np.interp(1.08, rows["x"], rows["energy"]) == pytest.approx(start, rel=1e-4)  # of the grid
    assert found["noised_queries"]["energy_mean_draws16"][0] == pytest.approx(start, rel=1e-9)
    np.testing.assert_allclose(found["mode_gap"]["measured"], found["mode_gap"]["formula"], rtol=1e-6)
    assert (found["search"]["low"] <= found["search"]["rising"]).all()
    assert (found["search"]["rising"] <= found["search"]["high"]).all()
    ratio = found["velocity_changes"]["change"] / found["velocity_changes"]["distance"]
    np.testing.assert_allclose(ratio.reshape(6, 5)[:, -1], ratio.reshape(6, 5)[:, -2], rtol=0.01)  # a Lipschitz one


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("weights=[0.5,0.6]", "weights must sum to 1, got 1.1: divide each by the sum."),
        (
            "weights=[0.5]",
            "means must name one value for each of weights, got 2 for 1: weights, means and deviations describe "
            "the same modes.",
        ),
        ("means=[0,nan]", "each of means must be from -20 to 20, got nan."),
        (
            "means=[0,0] deviations=[1,1]",
            "weights must name at least 2 modes that differ, got 2: the drift toward a single normal is linear, "
            "and smoothing leaves it as it is.",
        ),
        ("bandwidths=[3]", "each of bandwidths must be from 0.01 to 2, got 3.0."),
        ("threads=0", "threads must be from 1 to 1024, got 0."),
        ("deviations=[0,1]", "each of deviations must be from 0.01 to 100, got 0.0."),
        ("bandwidths=[]", "bandwidths must name at least one value, got an empty list: name one, or leave it out."),
        ("bandwidths=[0]", "each of bandwidths must be from 0.01 to 2, got 0.0."),
        ("bandwidths=[-0.5]", "each of bandwidths must be from 0.01 to 2, got -0.5."),
        ("nodes=2", "nodes must be from 4 to 32, got 2."),
        (
            "nodes=4",
            "nodes=4 is too coarse for a bandwidth of 0.15 (twice as many change the velocity by 2.1e-08): raise "
            "nodes.",
        ),
        ("particles=1", "particles must be from 2 to 500, got 1."),
        ("plane_particles=0", "plane_particles must be from 1 to 20, got 0."),
        (
            "gap_bandwidths=[0.2,0.4,0.8]",
            "gap_bandwidths must name at least 3 values up to gap_fit_below times the smallest of deviations, "
            "0.04, to fit an order to, got []: add some.",
        ),
        ("modes=1", "modes must be from 2 to 16, got 1."),
        ("quantiles=1", "quantiles must be from 2 to 400, got 1."),
        (
            "taus=[0.001,0.01]",
            "taus must name at least 3 values that differ to fit an order to, got [0.001, 0.01]: add some.",
        ),
        ("taus=[0,0.001,0.01]", "each of taus must be from 1e-06 to 0.1, got 0.0."),
        ("residual=0", "residual must be from 1e-12 to 0.0001, got 0.0."),
        ("scheme_taus=[0]", "each of scheme_taus must be from 0.001 to 100, got 0.0."),
        ("scheme_steps=0", "scheme_steps must be from 1 to 1000, got 0."),
        (
            "limit_steps=[8,12,16]",
            "limit_steps must be multiples of the smallest, 8, got 12: the schemes are compared at common times.",
        ),
        (
            "limit_steps=[8,16]",
            "limit_steps must name at least 3 values that differ to fit an order to, got [8, 16]: add some.",
        ),
        ("limit_horizon=0", "limit_horizon must be from 0.01 to 100, got 0.0."),
        ("rare_weight=0", "rare_weight must be from 1e-09 to 0.5, got 0.0."),
        ("rare_deviation=0", "rare_deviation must be from 0.01 to 100, got 0.0."),
        ("start=inf", "start must be from -50 to 50, got inf."),
        ("flow_horizon=0", "flow_horizon must be from 0.1 to 200, got 0.0."),
        ("configurations=1", "configurations must be from 2 to 10000, got 1."),
        ("ascents=1", "ascents must be from 2 to 1000, got 1."),
        ("noised_draws=[0]", "each of noised_draws must be from 1 to 1000, got 0."),
        ("noised_runs=1", "noised_runs must be from 2 to 1000, got 1."),
        ("noised_step=0", "noised_step must be from 0.0001 to 1, got 0.0."),
        (
            "noised_step=0.0001",
            "flow_horizon / noised_step must be at most 20000 steps, got 120000: raise noised_step or lower "
            "flow_horizon.",
        ),
        ("seed=-1", "seed must be at least 0, got -1."),
    ],
)
def test_it_refuses_what_cannot_be_measured(setting: str, told: str, refusal) -> None:
    assert refusal("verify-flow", *setting.split()) == told
