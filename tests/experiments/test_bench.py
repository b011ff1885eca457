from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from drift_cli.bench import contestants, measure, sinkhorn
from drift_cli.cli import main
from tests.problems.runs import SMALL

KEYS = {"what", "who", "n", "d", "ms", "peak_mb", "pairs_per_s", "rel_err", "limit"}
SINKHORN_KEYS = {"what", "who", "n", "d", "ms", "peak_mb", "setting", "marginal_error", "drift_error", "reached"}


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
    assert "× ours" in capsys.readouterr().out


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


@pytest.mark.parametrize("setting", ["n=0", "d=two", "what=[speed]", "seconds=0", "tau=-1", "epsilon=0"])
def test_bench_refuses_in_one_line(setting: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", setting]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_functions_are_timed_in_turn() -> None:
    order: list[str] = []
    times = measure.median_ms({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, seconds=0.0)
    assert order[:4] == ["a", "b", "a", "b"]  # a first look and a warm one
    turns = "".join(order[4:])
    assert turns.count("ab") == turns.count("ba") + 1 == 3  # then turns of several calls
    assert set(times) == {"a", "b"}


def test_it_trains_without_the_native_loops(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "drift_cli", "train", *SMALL, f"hydra.run.dir={tmp_path}"]
    subprocess.run(run, check=True, capture_output=True, timeout=120, env=os.environ | {"DRIFT_NATIVE": "0"})
    assert json.loads((tmp_path / "provenance.json").read_text())["loops"] == "eager"
    assert (tmp_path / "summary.json").exists()
