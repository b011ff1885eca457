from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from drift_cli.report import claims
from drift_cli.report.claims import Verdict
from drift_cli.shell.cli import main

DRAWN = True

SMALL = [
    "kernels=[gaussian,laplace]",
    "modes=12",
    "modes_2d=8",
    "grid=1024",
    "grid_2d=96",
    "steps=20",
    "particles=300",
    "starts=4",
    "follow=10",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spectral")
    assert main(["spectral", *SMALL, f"hydra.run.dir={path}"]) == 0
    return path


def test_the_summary_holds_what_it_promises(small: Path) -> None:
    summary = json.loads((small / "summary.json").read_text())
    assert all(isinstance(value, float | int) for value in summary.values())
    assert summary["rate_error_gaussian_1d"] < 1e-6
    assert summary["rate_error_gaussian_2d"] < 1e-3
    assert summary["rate_error_laplace_1d"] < 1e-4
    assert summary["rate_error_laplace_2d"] < 1e-3
    assert summary["rate_error_paper_laplace_1d"] > 0.1  # negative control: the paper's formula
    assert summary["particle_rate_error"] < 1e-3
    assert summary["crossing_error"] < 1e-10
    assert summary["complex_eigenvalue_imag"] > 0.1
    assert summary["complex_eigenvalue_imag_uniform"] < 1e-9  # negative control: no oscillation around a uniform target
    assert summary["gaussian_target_eigenvalue_error"] < 1e-9
    assert summary["multiplier_error_sinkhorn"] < 1e-6
    assert summary["largest_step_error_gaussian"] < 1e-3
    assert summary["followed_error"] < 0.01


def test_claims_are_judged(small: Path) -> None:
    verdicts = {
        v.claim.id: v.verdict for v in claims.judge("spectral", json.loads((small / "summary.json").read_text()))
    }
    assert verdicts["rate-gaussian"] == Verdict.CONFIRMED
    assert verdicts["rate-exponential"] == Verdict.REFUTED
    assert verdicts["rate-exponential-corrected"] == Verdict.CONFIRMED
    assert verdicts["time-laplace-exponent"] == Verdict.REFUTED
    assert Verdict.UNTESTED not in verdicts.values()


def test_every_drawn_curve_is_left_as_numbers(small: Path) -> None:
    for name in ("predicted_rates", "rates", "convergence_times", "beyond"):
        assert (small / f"figures/{name}.png").stat().st_size > 10_000
        assert (small / f"figures/{name}.svg").exists()
    with (small / "data/rates_laplace_1d.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert abs(float(rows[2]["rate_measured"]) / float(rows[2]["rate_exact"]) - 1) < 1e-4
    names = {path.stem for path in (small / "data").glob("*.csv")}
    assert {
        "convergence_times",
        "errors_annealed",
        "particles_gaussian",
        "tilted_spectrum",
        "stability_laplace",
    } <= names


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["bandwidth=0"], "bandwidth must be"),
        (["bandwidth=-1"], "bandwidth must be"),
        (["modes=0"], "modes must be"),
        (["sigma_min=4"], "sigma_min must be at most sigma0"),
        (["epsilon=1"], "epsilon must be"),
        (["epsilon=0"], "epsilon must be"),
        (["grid=100", "kernels=[gaussian]"], "the smallest sufficient value is 120"),
        (["grid=512"], "the cusp of the exponential kernel at bandwidth 0.3"),
        (["grid_2d=64"], "the smallest sufficient value is 128"),
        (["dimension=1", "grid=126", "kernels=[gaussian]"], "the smallest sufficient value is 128"),
        (["modes=1000"], "the smallest sufficient value is 4000"),
        (["horizon=1e-6"], "the smallest sufficient value is"),
        (["horizon=0"], "horizon must be"),
        (["bandwidth=80"], "too wide"),
        (["kernels=[gausian]"], "did you mean"),
        (["kernels=[]"], "at least one"),
        (["alpha=1"], "alpha must be"),
        (["alpha=2"], "raise alpha"),
        (["dimensions=[]"], "at least one"),
        (["dimensions=[0]"], "dimensions must be"),
        (["anneal_rate=0"], "anneal_rate must be"),
    ],
)
def test_spectral_refuses_in_one_line(settings: list[str], says: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["spectral", *settings]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says.lower() in error.lower()
    assert not list((tmp_path / "outputs").rglob("*.json"))


@pytest.mark.slow
def test_the_smallest_grid_that_is_named_will_do(tmp_path: Path) -> None:
    words = ["modes=9", "modes_2d=6", "grid=36", "grid_2d=40", "kernels=[gaussian]", "particles=100", "starts=3"]
    assert main(["spectral", *words, "follow=5", "steps=10", f"hydra.run.dir={tmp_path}"]) == 0
    assert json.loads((tmp_path / "summary.json").read_text())["rate_error_gaussian_1d"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ["modes=1", "modes_2d=1", "dimensions=[9]"],
        ["dimension=1", "bandwidth=3"],
        ["sigma0=0.5", "sigma_min=0.5"],
        ["anneal_rate=3", "epsilon=0.5"],
    ],
)
def test_settings_at_the_edge(settings: list[str], tmp_path: Path) -> None:
    words = ["kernels=[gaussian]", "particles=60", "starts=3", "follow=3", "steps=10", "modes=6", "modes_2d=4"]
    assert main(["spectral", *words, *settings, f"hydra.run.dir={tmp_path}"]) == 0
    assert json.loads((tmp_path / "summary.json").read_text())["crossing_error"] < 1e-10
