from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from drift_cli.commands.bench import cell, contestants, sinkhorn
from drift_cli.commands.bench.load import Load
from drift_cli.commands.bench.ratio import Ratio
from drift_cli.commands.bench.row import Row
from drift_cli.commands.bench.timing import Timing
from drift_cli.shell.cli import main
from tests.problems.runs import SMALL

TIMING = {"ms", "least_ms", "ratio", "ratio_low", "ratio_high", "turns", "processor_share"}
CELL = {"what", "who", "n", "d", "peak_mb"}
KEYS = CELL | TIMING | {"start_up_ms", "pairs_per_s", "rel_err", "limit"}
SINKHORN_KEYS = CELL | TIMING | {"setting", "marginal_error", "drift_error", "reached"}


@pytest.mark.parametrize("what", ["mean_shift", "row_column"])
@pytest.mark.parametrize("dimension", [2, 30])
def test_contestants_of_one_field_agree(what: str, dimension: int, plane) -> None:
    x, data = plane(80, dimension), plane(90, dimension)
    found = {
        who: contestant(x, data, 0.7)
        for who, contestant in contestants.installed(what).items()
        if (what, who) not in contestants.ANOTHER_FIELD and who not in ("keops", "drift_models")
    }
    assert len(found) > 1
    for drift in found.values():
        torch.testing.assert_close(drift, found["ours"], rtol=0, atol=1e-6)  # a product's distance of a point to itself


def test_bench_measures_each_cell(tmp_path: Path, capsys) -> None:
    words = [
        "bench",
        "n=[40,80]",
        "d=[2,3]",
        "what=[mean_shift,row_column]",
        "seconds=0.001",
        "threads=1",
        "device=cpu",
    ]
    assert main([*words, f"hydra.run.dir={tmp_path}"]) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert all(set(row) == KEYS for row in rows)
    ours = [row for row in rows if row["who"] == "ours"]
    assert len(ours) == 2 * 4
    assert all(row["ms"] > 0 and row["rel_err"] < 1e-4 for row in ours)
    assert (tmp_path / "figures/bench.png").exists()
    printed = capsys.readouterr().out
    assert "× ours" in printed
    assert "start-up ms" in printed
    page = (tmp_path / "bench.md").read_text()
    assert page.count("| who | ms |") == 2 * 4
    assert page.count("| ours | ") == 2 * 4


def test_bench_measures_the_loss_without_stop_gradient(tmp_path: Path, capsys) -> None:
    """In float32 1e-5 is rounding. Distances from a product (the naive form's, and above 6 dimensions) cost digits."""
    words = ["bench", "what=paths", "n=[30,60]", "d=[2,9]", "seconds=0.001", f"hydra.run.dir={tmp_path}", "device=cpu"]
    assert main(words) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert all(set(row) == KEYS for row in rows)
    assert len(rows) == 4 * 5
    assert [row["who"] for row in rows[:5]] == ["stop-gradient", "query", "samples", "both", "naive"]
    assert all(row["ratio"] == 1 for row in rows[::5])
    assert all(row["rel_err"] < (1e-2 if row["who"] == "naive" or row["d"] > 6 else 1e-5) for row in rows)
    assert "× stop-gradient" in capsys.readouterr().out
    assert not (tmp_path / "figures").exists()  # it is of drifts


def test_bench_measures_the_drift_of_classes(tmp_path: Path, capsys, refusal) -> None:
    """All four are the drift of each class by itself; rows that ten does not divide are left out."""
    words = ["bench", "what=classes", "n=[43,60]", "d=9", "seconds=0.001", f"hydra.run.dir={tmp_path}", "device=cpu"]
    assert main(words) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [row["who"] for row in rows] == 2 * ["together", "one by one", "by labels", "naive"]
    assert all(row["rel_err"] < (1e-2 if row["who"] == "naive" else 1e-4) for row in rows)
    assert "× together" in capsys.readouterr().out
    told = "what=classes needs two points of each of 10 classes, got n=19: give 20 or more."
    assert refusal("bench", "what=classes", "n=19") == told


@pytest.mark.parametrize("load", [Load(0.5, 7.0, 2), Load(1.0, 0.5, 2)])
def test_a_busy_machine_is_told_under_the_table(load: Load, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(Load, "now", lambda share: load)
    assert main(["bench", "what=mean_shift", "n=20", "d=2", "seconds=0.001", f"hydra.run.dir={tmp_path}"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "busy machine" in line]
    assert len(lines) == (load.average == 7.0)
    assert ("busy machine" in (tmp_path / "bench.md").read_text()) == bool(lines)


def test_who_took_too_long_sits_out_but_for_the_first() -> None:
    """Time grows as N²: at four times the points 1 s becomes 16 s, above `longest`; 0.1 s does not."""

    def row(who: str, ms: float, n: int = 100) -> Row:
        return Row("mean_shift", who, n, 2, Timing(ms, ms, 0.0, 1.0, Ratio.of([1.0])), 0.0)

    config = SimpleNamespace(longest=10.0)
    before = [row("ours", 1000), row("naive", 1000), row("naive_inplace", 100)]
    out = cell.too_long(config, before, 400, 2)
    assert out & {"ours", "naive", "naive_inplace"} == {"naive"}
    assert cell.too_long(config, before, 400, 3) == set()  # nothing is known of another dimension
    assert "naive_inplace" in cell.too_long(config, [*before, row("ours", 4000, 200)], 400, 2)  # it sat out before


def test_bench_measures_a_training_step(tmp_path: Path) -> None:
    words = ["bench", "what=[step]", "seconds=0.001", *SMALL, f"hydra.run.dir={tmp_path}"]
    assert main(words) == 0
    assert {row["who"] for row in json.loads((tmp_path / "bench.json").read_text())} == {"ours", "official"}


def test_bench_measures_sinkhorn(tmp_path: Path, monkeypatch, capsys) -> None:
    """One table of the plan, one of each tolerance of the drift, one of the step; without geomloss, which compiles."""
    monkeypatch.setattr(sinkhorn, "_GEOMLOSS", ())
    words = ["bench", "what=sinkhorn", "n=64", "seconds=0.001", *SMALL, f"hydra.run.dir={tmp_path}"]
    assert main(words) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert all(set(row) == SINKHORN_KEYS for row in rows)
    plans = {row["who"]: row for row in rows if row["what"] == "sinkhorn plan"}
    assert {"ours", "ours, plain", "pot, float64", "pot, torch float32"} == set(plans)
    assert all(row["reached"] and row["marginal_error"] <= 1e-4 for row in plans.values())
    errors = [row["drift_error"] for row in rows if row["what"] == "sinkhorn drift"]
    assert errors[0] > errors[1] > errors[2] > 0
    assert errors[2] < 1e-3
    steps = {row["who"]: row for row in rows if row["what"] == "sinkhorn step"}
    assert set(steps) == {"ours", "kernel drift"}
    assert 0 < steps["ours"]["marginal_error"] < 1e-2
    assert "drift error" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("n=0", "n must be a whole number above 0 or a list of them, got 0."),
        ("d=two", "d must be a whole number above 0 or a list of them, got two."),
        (
            "what=[speed]",
            'what must be one of mean_shift, narrow, row_column, step, paths, classes, sinkhorn, got "speed".',
        ),
        ("seconds=0", "seconds must be a finite number above 0, got 0.0: give a number above 0."),
        ("tau=-1", "tau must be a finite number above 0, got -1.0: give a number above 0."),
        (
            "epsilon=0",
            "epsilon must be from 1e-09 to 1e+09, got 0.0: give a squared length (the data has about unit size), "
            "e.g. epsilon=0.05.",
        ),
    ],
)
def test_bench_refuses_what_cannot_be_measured(setting: str, told: str, refusal) -> None:
    assert refusal("bench", setting) == told


@pytest.mark.slow
def test_it_trains_without_the_native_loops(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "drift_cli", "train", *SMALL, f"hydra.run.dir={tmp_path}"]
    subprocess.run(run, check=True, capture_output=True, timeout=120, env=os.environ | {"DRIFT_NATIVE": "0"})
    assert json.loads((tmp_path / "provenance.json").read_text())["loops"] == "eager"
    assert (tmp_path / "summary.json").exists()
