from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from drift_cli.report import claims
from drift_cli.report.claims import Verdict
from drift_cli.shell.cli import main
from tests.problems.left import assert_drawn, tables

DRAWN = True

SMALL = [
    "dimensions=[2,8,64,1024]",
    "fit_from=8",
    "queries=2",
    "samples=200",
    "repeats=2",
    "decomposition_samples=50",
    "low_dimensions=[2,8]",
    "low_temperatures=[0.01,0.003,0.001]",
    "dmd_points=3",
    "dmd_nodes=121",
]
_MISMATCHES = ",".join(
    f"residual_{name},cosine_{name},cosine_{name}_low,cosine_{name}_high,preconditioned_cosine_{name}"
    for name in ("mean", "scale", "both")
)
_SAMPLED = ",".join(f"sampled_{name},sampled_{name}_sd" for name in ("one_sided", "difference", "cosine", "effective"))
TABLES = {
    "decomposition": ("kernel,dimension,error,covariance", 28),
    "dimensions": (f"temperature,dimension,residual_one_sided,effective_predicted,{_MISMATCHES},{_SAMPLED}", 3 * 4),
    "low_temperature": ("dimension,temperature,residual,away_from_limit,misalignment", 2 * 3),
    "noised_query": ("x,plain,noised,dmd", 161),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify-radial")
    assert main(["verify-radial", *SMALL, f"hydra.run.dir={path}"]) == 0
    return path


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def test_every_claim_is_judged(summary: dict[str, float]) -> None:
    assert all(math.isfinite(value) for value in summary.values())
    verdicts = {each.claim.id: each for each in claims.judge("verify-radial", summary)}
    assert Verdict.UNTESTED not in {each.verdict for each in verdicts.values()}
    refuted = {name for name, each in verdicts.items() if each.verdict == Verdict.REFUTED}
    assert refuted == {"radial-direction-scale-mismatch"}


def test_measured_numbers(summary: dict[str, float]) -> None:
    assert summary["decomposition_error"] < 1e-12
    assert summary["gaussian_covariance"] < 1e-12
    assert summary["laplace_covariance"] > 0.01
    assert summary["dmd_error"] < 1e-10
    assert summary["residual_slope_one_sided"] == pytest.approx(-1, abs=0.1)
    assert summary["cosine_mean_mismatch_d1024"] > 0.99
    assert summary["cosine_scale_mismatch_d1024"] < 0.8
    assert summary["low_temperature_exponent"] == pytest.approx(2, abs=0.05)


def test_samples_show_noise_where_the_population_has_none(summary: dict[str, float]) -> None:
    """200 samples in 1,024 dimensions; in 2 they show the population's residual within its noise."""
    assert summary["monte_carlo_over_population_d1024"] > 10
    assert summary["monte_carlo_over_population_d2"] == pytest.approx(1, abs=0.7)


def test_curves_and_figures_are_left_behind(folder: Path, summary: dict[str, float]) -> None:
    assert_drawn(
        folder / "figures",
        "residual_against_dimension",
        "direction_against_dimension",
        "low_temperature",
        "noised_query",
    )
    found = tables(folder / "data", TABLES)
    assert found["decomposition"]["error"].max() == summary["decomposition_error"]
    sweep = found["dimensions"]
    assert (np.diff(sweep["residual_one_sided"].reshape(3, 4)) < 0).all()
    assert sweep["cosine_mean"][sweep["dimension"] == 1024].min() == summary["cosine_mean_mismatch_d1024"]
    away = found["low_temperature"]["away_from_limit"].reshape(2, 3)  # of rising temperatures
    assert (np.diff(away) > 0).all()
    curves = found["noised_query"]
    np.testing.assert_allclose(curves["noised"], curves["dmd"], atol=1e-10)
    assert np.abs(curves["plain"] - curves["dmd"]).max() > 0.1  # the control


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("dimensions=[1,2,4]", "each of dimensions must be from 2 to 4096, got 1."),
        (
            "dimensions=[8,16]",
            "dimensions must name at least 3 values from fit_from=8 on to fit a slope to, got [8, 16]: add some.",
        ),
        ("dimensions=[]", "dimensions must name at least one value, got an empty list: name one, or leave it out."),
        ("temperature=0", "temperature must be from 0.001 to 1000, got 0.0."),
        ("low_temperatures=[0,0.1,1]", "each of low_temperatures must be from 1e-05 to 100, got 0.0."),
        ("samples=1", "samples must be at least 2, got 1."),
        ("repeats=1", "repeats must be at least 2, got 1."),
        ("deviation=1", "deviation must differ from 1, the model's, got 1: give 0.9, or any other scale mismatch."),
        ("offset=0", "offset must be from 0.001 to 1000, got 0.0."),
        ("offset=1e9", "offset must be from 0.001 to 1000, got 1000000000.0."),
        ("tolerance=0", "tolerance must be from 1e-10 to 0.01, got 0.0."),
        ("nodes=3", "nodes must be from 4 to 1024, got 3."),
        (
            "nodes=12 dmd_nodes=121",
            "nodes=12 is too coarse in 1024 dimensions (twice as many change a value by 1.4e-01): give nodes=96.",
        ),
        (
            "dmd_nodes=15",
            "dmd_nodes=15 is too coarse (a grid twice as fine changes the noised drift by 4.1e-02): give dmd_nodes=29 "
            "or more.",
        ),
        ("seed=-1", "seed must be at least 0, got -1."),
    ],
)
def test_it_refuses_what_cannot_be_measured(setting: str, told: str, refusal) -> None:
    assert refusal("verify-radial", *setting.split()) == told
