from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from drift_cli import config as configs
from drift_cli.cli import main
from drift_cli.config.ablate_schedule import AblateScheduleConfig
from drift_cli.experiments import schedule_training as training
from drift_cli.report import claims

QUICK = (
    "ablate-schedule",
    "modes=8",
    "grid.modes=[5,8]",
    "grid.sigma_0=[1.0,3.0]",
    "grid.horizons=[3.0,30.0]",
    "grid.spectra=[0.0,2.0]",
    "grid.rates=[0.1,0.5]",
    "grid.epsilons=[1e-3]",
    "threads=1",
    "device=cpu",
)
TRAINED = (
    "train=true",
    "steps=6",
    "batch_size=32",
    "seeds=[3,4]",
    "generator.widths=[8]",
    "evaluation.every=3",
    "evaluation.points=50",
    "evaluation.projections=10",
    "evaluation.draws=1",
)


def test_the_study_leaves_its_numbers_curves_and_figures(tmp_path: Path, capsys) -> None:
    assert main([*QUICK, f"hydra.run.dir={tmp_path}"]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert all(isinstance(value, float) and math.isfinite(value) for value in summary.values())
    assert summary["theorem62_ratio_with_condition"] <= 1 + 1e-9
    assert summary["theorem62_ratio_without"] > 1
    assert summary["optimal_over_lower_bound"] >= 1
    assert summary["annealing_law_error"] < 1e-12  # quadrature to rounding
    for when in ("end", "held"):
        assert sum(summary[f"wins_{when}.{name}"] for name in ("exponential", "linear", "cosine")) == pytest.approx(1)
    for claim in claims.load("ablate-schedule"):
        assert claim.field in summary
    for name in ("sweeps", "theorem62", "optimum", "winners", "winners_of_all"):
        assert (tmp_path / "figures" / f"{name}.png").exists()
        assert (tmp_path / "figures" / f"{name}.svg").exists()
    rows = list(csv.DictReader((tmp_path / "data/theorem62.csv").open()))
    assert len(rows) == 2 * 2 * 2 * 2
    assert all((float(row["ratio"]) <= 1 + 1e-9) == (row["condition"] == "True") for row in rows)
    assert not (tmp_path / "runs").exists()
    assert "not confirmed" in capsys.readouterr().out


def test_training_compares_every_schedule_and_keeps_finished_runs(tmp_path: Path) -> None:
    words = [*QUICK, *TRAINED, f"hydra.run.dir={tmp_path}"]
    assert main(words) == 0
    runs = sorted((tmp_path / "runs").glob("*.json"))
    assert len(runs) == 2 * 6 * 2  # targets, schedules, seeds
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["sw.checkerboard.optimal"] > 0
    assert summary["sw_sd.mixture.constant_narrow"] >= 0
    assert (tmp_path / "figures/training.png").exists()
    config = configs.load(tmp_path / "config.yaml", AblateScheduleConfig)
    plan = training.planned(config)
    before = {place: place.stat().st_mtime_ns for place in runs}
    curve = json.loads(runs[0].read_text())
    runs[0].unlink()
    assert len(list(training.train(plan, tmp_path / "runs"))) == len(runs)
    assert [place for place in runs if place.stat().st_mtime_ns != before[place]] == [runs[0]]
    assert json.loads(runs[0].read_text()) == curve  # and trained again it is the same
    config.optimizer.lr *= 5  # other settings are other runs
    key = ("checkerboard", "constant, narrow", 3)
    other = next(iter(training.train({key: training.planned(config)[key]}, tmp_path / "runs")))
    assert other.sw[-1] != curve["sw"][-1]


REFUSALS = [
    ("modes=0", "modes must be from 1"),
    ("epsilon=1", "epsilon must be above 0 and below 1"),
    ("epsilon=0", "epsilon must be above 0 and below 1"),
    ("sigma_0=0", "sigma_0 must be a finite number above 0"),
    ("sigma_min=-1", "sigma_min must be a finite number above 0"),
    ("sigma_min=4", "sigma_min must be below sigma_0, 3, got 4"),
    ("horizon=1e-9", "horizon must be long enough for a mode to decay, at least 0.00136"),
    ("sigma_min=2", "sigma_min times modes must be from 0.0001 to 20"),
    ("horizon=-1", "horizon must be a finite number above 0"),
    ("grid.modes=[0]", "each of grid.modes must be from 1"),
    ("grid.epsilons=[2]", "each of grid.epsilons must be above 0 and below 1"),
    ("grid.sigma_0=[0.1]", "each of grid.sigma_0 must be at least"),
    ("grid.horizons=[1e-9]", "each of grid.horizons must be long enough"),
    ("grid.rates=[]", "grid.rates must name at least one value"),
    ("kernel.bandwidth=0", "kernel.bandwidth must be a finite number above 0"),
    ("floor=2", "floor must be above 0"),
    ("seeds=[0]", "seeds must name at least 2 different seeds"),
]


@pytest.mark.parametrize(("setting", "told"), REFUSALS, ids=[setting for setting, _ in REFUSALS])
def test_it_refuses_in_one_line(setting: str, told: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ablate-schedule", setting]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("*.*"))
