from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drift_cli import config as configs
from drift_cli.shell.cli import main
from drift_cli.studies.verify_score import reported
from drift_cli.studies.verify_score.samples import MonteCarlo, fitted_exponent
from drift_cli.studies.verify_score.settings import VerifyScoreConfig
from tests.problems.left import assert_drawn, tables

DRAWN = True

QUICK = ("samples=[100,400,1600]", "repeats=3", "queries=32", "bandwidths=[0.5,1.0]", "field_samples=200")


TABLES = {
    "estimator": (
        "x,effective,bias,bias_error,predicted_bias,variance,predicted_variance,included_bias,rms,included_rms",
        7,
    ),
    "identifiability": ("frequency,sup_drift_0.25,sup_drift_0.5,sup_drift_1", 32),
    "monte_carlo": ("bandwidth,samples,error,sd,relative_error,effective_samples", 2 * 3),
    "reported_figure_1": ("radius,deviation,queries,sampled,error", 6 * 3 * 2),
    "tails": ("bandwidth,radius,relative_error,sd,effective_samples", 2 * 8),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify-score")
    with pytest.MonkeyPatch.context() as patch:  # of 50,000 samples, that the digest reports, eight times
        patch.setattr(reported, "SAMPLES", 1000)
        patch.setattr(reported, "REPEATS", 2)
        assert main(["verify-score", *QUICK, f"hydra.run.dir={folder}"]) == 0
    return folder


def test_the_identity_holds_and_the_controls_fail(done: Path) -> None:
    found = json.loads((done / "summary.json").read_text())
    assert found["identity_max_error"] <= 1e-12
    assert found["laplace_control_error"] > 0.01
    assert found["bandwidth_control_error"] > 0.01
    # Three repeats of few samples leave an interval of some tenths; it must hold the theory's −1/2.
    assert found["monte_carlo_exponent.ci_low"] < -0.5 + 0.1
    assert found["monte_carlo_exponent.ci_high"] > -0.5 - 0.1
    assert found["torus_formula_error"] < 1e-6


def test_everything_is_left_behind(done: Path) -> None:
    summary = json.loads((done / "summary.json").read_text())
    assert_drawn(done / "figures", "fields", "errors", "estimator", "identifiability")
    found = tables(done / "data", TABLES)
    errors, fields = found["monte_carlo"], found["identifiability"]
    assert (np.diff(errors["error"].reshape(2, 3)) < 0).all()  # in the number of samples
    assert errors["relative_error"].reshape(2, 3)[:, -1].max() == summary["largest_relative_error"]
    assert fields["sup_drift_1"][[0, 7]].tolist() == [summary["torus_drift_k1"], summary["torus_drift_k8"]]
    assert (np.diff(found["estimator"]["effective"]) < 0).all()  # away from the data
    assert found["tails"]["relative_error"].max() == summary["tail_relative_error"]
    first = summary["reported.fig1.radius_2_std_0.5.at_target.target_sampled.drift"]
    assert found["reported_figure_1"]["error"][0] == first
    assert configs.load(done / "config.yaml", VerifyScoreConfig).samples == [100, 400, 1600]
    assert json.loads((done / "provenance.json").read_text())["seed"] == 0


def test_a_known_exponent_is_found_with_its_interval() -> None:
    samples = [100, 1000, 10_000]
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 0.05, (2, 3, 40))
    levels = np.array([1.0, 30.0])[:, None, None]  # bandwidths differ in level, not in slope
    errors = levels * np.array(samples)[None, :, None] ** -0.4 * np.exp(noise)
    found = fitted_exponent(MonteCarlo([0.1, 1.0], samples, errors, np.ones(2), np.ones((2, 3))))
    assert found.low < -0.4 < found.high
    assert found.high - found.low < 0.02


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("bandwidths=[0]", "each of bandwidths must be from 0.001 to 1000, got 0.0."),
        ("bandwidths=[]", "bandwidths must name at least one value, got an empty list: name one, or leave it out."),
        ("samples=[100]", "samples must name at least 2 sizes to fit an exponent to, got [100]."),
        ("samples=[1,2]", "each of samples must be at least 2, got 1."),
        ("repeats=1", "repeats must be at least 2, got 1."),
        ("deviation=-1", "deviation must be from 0.001 to 100, got -1.0."),
        ("modes=0", "modes must be at least 1, got 0."),
    ],
)
def test_it_refuses_what_cannot_be_measured(setting: str, told: str, refusal) -> None:
    assert refusal("verify-score", setting) == told
