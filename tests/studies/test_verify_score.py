from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drift_cli.shell.cli import main
from drift_cli.studies.verify_score.samples import MonteCarlo, fitted_exponent

DRAWN = True

QUICK = ("samples=[100,400,1600]", "repeats=3", "queries=32", "bandwidths=[0.5,1.0]", "field_samples=200")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify-score")
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
    for name in ("fields", "errors", "estimator", "identifiability"):
        assert (done / "figures" / f"{name}.png").is_file()
        assert (done / "figures" / f"{name}.svg").is_file()
    for name in ("monte_carlo", "estimator", "tails", "identifiability"):
        assert len((done / "data" / f"{name}.csv").read_text().splitlines()) > 2
    assert (done / "config.yaml").is_file()
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
        ("bandwidths=[]", "bandwidths must name at least one value, got an empty list."),
        ("samples=[100]", "samples must name at least 2 sizes to fit an exponent to, got [100]."),
        ("samples=[1,2]", "each of samples must be at least 2, got 1."),
        ("repeats=1", "repeats must be at least 2, got 1."),
        ("deviation=-1", "deviation must be from 0.001 to 100, got -1.0."),
        ("modes=0", "modes must be at least 1, got 0."),
    ],
)
def test_it_refuses_what_cannot_be_measured(setting: str, told: str, refusal) -> None:
    assert refusal("verify-score", setting) == told
