from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drift_cli import config as configs
from drift_cli.kernels import Gaussian, Laplace
from drift_cli.report import claims
from drift_cli.shell.cli import main
from drift_cli.studies import kept_runs
from drift_cli.studies.ablate_schedule import kernels, optimum, sweeps, training
from drift_cli.studies.ablate_schedule.settings import AblateScheduleConfig
from tests.problems.blank import blank_figures
from tests.problems.left import assert_drawn, tables
from tests.problems.processes import heed_interrupts

DRAWN = True

QUICK = (
    "ablate-schedule",
    "modes=8",
    "grid.modes=[5,8]",
    "grid.sigma_0=[1.0,3.0]",
    "grid.horizons=[3.0,30.0]",
    "grid.spectra=[0.0,2.0]",
    "grid.rates=[0.1,0.5]",
    "grid.epsilons=[1e-3]",
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
    "jobs=1",
)
RUNS = 2 * 6 * 2  # targets, schedules, seeds


_SWEEPS = "exponential,linear,cosine,constant,optimal"
_ERRORS = ",".join(f"log_error_{when}_{name}" for when in ("end", "held") for name in _SWEEPS.split(","))
_SETTINGS = "modes,sigma_0,sigma_min,r,epsilon"
THEORY = {
    "annealing_law": ("kernel,dimension,share_of_sweep,error", 4 * 3),
    "comparison": (f"modes,sigma_0,sigma_min,horizon,spectrum,{_ERRORS}", 2 * 2 * 3 * 2 * 2),
    "growth": ("modes,with_condition,without_condition", 6),
    "kernels": ("kernel,dimension,dual_sum,time_optimal,optimal_over_lower_bound,time_exponential", 4),
    "order_of_bandwidths": ("amplitude,down,up,mixture,linear", 2),
    "staircase": ("bandwidth,share_of_time", 3),
    "staircase_rates": ("frequency,sigma_1.329,sigma_0.6108,sigma_0.2159", 400),
    "sweep_bandwidth": (f"time,{_SWEEPS}", 201),
    "sweep_log_error": (f"time,{_SWEEPS}", 201),
    "sweep_modes": (f"mode,{_SWEEPS}", 8),
    "theorem62": (f"{_SETTINGS},bound,time,ratio,slowest_mode,condition,handy", 2 * 2 * 2 * 2),
    "theorem62_condition": ("sigma_0,largest_product,handy_form", 33),
    "theorem62_map": ("r_log,sigma_0,ratio,slowest", 33 * 33),
    "times": ("modes,lower_bound,optimal,exponential,linear,cosine,constant", 4),
}
TRAINING = {
    "training": ("target,schedule,seed,step,sw,floor", RUNS * 2),  # evaluations of each
    "training_bandwidths": ("step,constant, wide,constant, narrow,exponential,linear,cosine,optimal", 7),
}
FIGURES = ("sweeps", "theorem62", "optimum", "winners", "winners_of_all")


@pytest.fixture(autouse=True, scope="module")
def fewer() -> Iterator[None]:
    """Kernels, modes and amplitudes of what holds for every kernel and every K."""
    with pytest.MonkeyPatch.context() as patch:
        few = {"gaussian": Gaussian(1.0), "laplace": Laplace(1.0)}
        patch.setattr(kernels, "every_kernel", lambda *_: few)
        patch.setattr(kernels, "_DUAL_MODES", 300)
        patch.setattr(optimum, "_MODES", (5, 10, 30))
        patch.setattr(sweeps, "_AMPLITUDES", (1e-4, 0.05))
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    assert main([*QUICK, *TRAINED, f"hydra.run.dir={folder}"]) == 0
    return folder


def numbers(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def test_the_study_leaves_its_numbers_curves_and_figures(finished: Path) -> None:
    summary = numbers(finished)
    assert all(isinstance(value, float) and math.isfinite(value) for value in summary.values())
    assert summary["theorem62_ratio_with_condition"] <= 1 + 1e-9
    assert summary["theorem62_ratio_without"] > 1
    assert summary["optimal_over_lower_bound"] >= 1
    assert summary["annealing_law_error"] < 1e-12  # quadrature to rounding
    for when in ("end", "held"):
        assert sum(summary[f"wins_{when}.{name}"] for name in ("exponential", "linear", "cosine")) == pytest.approx(1)
    for claim in claims.of("ablate-schedule"):
        assert claim.field in summary
    assert_drawn(finished / "figures", *FIGURES, "training")
    found = tables(finished / "data", THEORY | TRAINING)
    theorem, times = found["theorem62"], found["times"]
    assert ((theorem["ratio"] <= 1 + 1e-9) == (theorem["condition"] == "True")).all()
    assert found["annealing_law"]["error"].max() == summary["annealing_law_error"]
    assert (found["kernels"]["dual_sum"] <= 1).all()
    assert (found["kernels"]["time_optimal"] <= found["kernels"]["time_exponential"]).all()
    for name in ("optimal", "exponential", "linear", "cosine", "constant"):
        assert (times["lower_bound"] <= times[name]).all()
        assert (times["optimal"] <= times[name]).all()
        assert (np.diff(found["sweep_log_error"][name]) <= 1e-12).all()
    assert found["staircase"]["share_of_time"].sum() == pytest.approx(1)
    assert (np.diff(found["growth"]["without_condition"]) > np.diff(found["growth"]["with_condition"])).all()
    small, large = found["order_of_bandwidths"]["down"] / found["order_of_bandwidths"]["up"]
    assert small == pytest.approx(1, abs=1e-3)  # in the linear theory, of small amplitudes, the order is all the same
    assert large > 1.5


def test_without_training_the_theory_is_the_same_and_nothing_is_trained(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with blank_figures():
        assert main([*QUICK, "seeds=[3,4]", f"hydra.run.dir={tmp_path}"]) == 0
    assert "not confirmed" in capsys.readouterr().out
    trained, theory = numbers(finished), numbers(tmp_path)
    assert theory.items() <= trained.items()
    of_training = {"sw", "sw_sd", "sw_floor", "reached_2_floor"}
    assert {key.partition(".")[0] for key in trained.keys() - theory.keys()} == of_training
    for name in THEORY:
        assert (tmp_path / f"data/{name}.csv").read_bytes() == (finished / f"data/{name}.csv").read_bytes()
    assert {each.stem for each in (tmp_path / "figures").iterdir()} == set(FIGURES)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_grid_without_a_setting_of_theorem_62_measures_the_rest(tmp_path: Path) -> None:
    assert main([*QUICK, "grid.last=[1.0]", f"hydra.run.dir={tmp_path}"]) == 0  # σ_min K below √2
    summary = numbers(tmp_path)
    assert summary["theorem62_settings_with_condition"] == summary["theorem62_settings_without"] == 0
    assert "theorem62_ratio_with_condition" not in summary
    assert summary["theorem62_ratio_at_handy_form"] > 0


def test_training_compares_every_schedule(finished: Path) -> None:
    assert len(list((finished / "runs").glob("*.json"))) == RUNS
    summary = numbers(finished)
    assert summary["sw.checkerboard.optimal"] > 0
    assert summary["sw_sd.mixture.constant_narrow"] >= 0
    rows = tables(finished / "data", THEORY | TRAINING)["training"]
    last = rows["sw"][(rows["target"] == "mixture") & (rows["schedule"] == "linear") & (rows["step"] == 6)]
    assert len(last) == 2
    assert summary["sw.mixture.linear"] == pytest.approx(last.mean())


@pytest.mark.slow
def test_a_stopped_study_goes_on_where_it_was(finished: Path, capsys) -> None:
    before, table = numbers(finished), (finished / "data/training.csv").read_bytes()
    runs = sorted((finished / "runs").glob("*.json"))
    written = {place: place.stat().st_mtime_ns for place in runs}
    lost = finished / "runs/checkerboard_constant_narrow_4.json"  # neither the first of the plan nor its last
    lost.unlink()
    (finished / "summary.json").unlink()
    assert main(["ablate-schedule", f"resume={finished}", "jobs=2"]) == 0
    said = re.findall(r"^(\d+)/(\d+) (.*)$", capsys.readouterr().out, re.M)
    parts = 8 + 1 + RUNS
    assert [(int(number), int(of)) for number, of, _ in said] == [(k + 1, parts) for k in range(parts)]
    assert said[8][2] == f"training {RUNS} runs …"
    assert said[-1][2] == "training: checkerboard, constant, narrow, seed 4"  # done last, the others were there
    assert numbers(finished) == before  # a run that is made again is the same
    assert (finished / "data/training.csv").read_bytes() == table  # and in its place
    assert [place for place, when in written.items() if place.stat().st_mtime_ns != when] == [lost]
    assert len(json.loads((finished / "provenance.json").read_text())["resumed"]) == 1


def test_a_study_with_other_settings_is_left_as_it_is(finished: Path, refusal) -> None:
    before = {place: place.stat().st_mtime_ns for place in finished.rglob("*.*")}
    assert refusal(*QUICK, f"hydra.run.dir={finished}") == (  # without training
        f"{finished} contains a study with other settings and is left unchanged: resume={finished} continues it, "
        "another hydra.run.dir=… starts a new one."
    )
    assert refusal("ablate-schedule", f"resume={finished}", "steps=50") == (
        "steps belongs to the resumed run and cannot change: with resume= only jobs, executor can be given. "
        "Leave it out, or start a new run."
    )
    assert before == {place: place.stat().st_mtime_ns for place in before}


def test_other_settings_are_other_runs_and_several_at_a_time_are_the_same(finished: Path, tmp_path: Path) -> None:
    config = configs.load(finished / "config.yaml", AblateScheduleConfig)
    plan = dict(list(training.planned(config).items())[2:5])
    alone = {run: training.curve(run, kept) for run, kept in kept_runs.each(plan, finished / "runs", 1)}
    together = {run: training.curve(run, kept) for run, kept in kept_runs.each(plan, tmp_path, 2)}
    for case in plan:
        found, before = (
            json.loads(p.read_text()) for p in (tmp_path / f"{case.name}.json", finished / f"runs/{case.name}.json")
        )
        assert found | {"origin": None} == before | {"origin": None}  # when and where it was made is another matter
        np.testing.assert_array_equal(together[case].sw, alone[case].sw)
    config.optimizer.lr *= 5
    case = next(iter(plan))
    ((_, other),) = kept_runs.each({case: training.planned(config)[case]}, tmp_path, 1)
    assert other["sw"][-1] != alone[case].sw[-1]


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_says_how_to_go_on(tmp_path: Path) -> None:
    words = [*QUICK, *TRAINED, "jobs=2", "steps=400", "evaluation.every=100", f"hydra.run.dir={tmp_path}"]
    running = subprocess.Popen(
        [sys.executable, "-m", "drift_cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list((tmp_path / "runs").glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(children) >= 2
    running.send_signal(signal.SIGINT)
    said, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"stopped: {tmp_path} is incomplete; to resume: drift ablate-schedule resume={tmp_path}" in said
    assert "Traceback" not in said + told
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert len(list((tmp_path / "runs").glob("*.json"))) < RUNS
    assert not list((tmp_path / "runs").glob("*.partial"))
    assert not (tmp_path / "summary.json").exists()


REFUSALS = [
    ("modes=0", "modes must be from 1 to 2000, got 0."),
    (
        "epsilon=1",
        "epsilon must be above 0 and below 1, at least 1e-100, got 1.0: it is the factor that modes shrink by.",
    ),
    (
        "epsilon=0",
        "epsilon must be above 0 and below 1, at least 1e-100, got 0.0: it is the factor that modes shrink by.",
    ),
    ("sigma_0=0", "sigma_0 must be a finite number above 0, got 0.0: give a number above 0."),
    ("sigma_min=-1", "sigma_min must be a finite number above 0, got -1.0: give a number above 0."),
    ("sigma_min=4", "sigma_min must be below sigma_0, 3, got 4: lower sigma_min or raise sigma_0."),
    (
        "horizon=1e-9",
        "horizon must be long enough for a mode to decay, at least 0.00136 with bandwidths from 0.0471405 to 3 "
        "and 30 modes, got 1e-09: raise it, or bring the bandwidths nearer to 1.4/mode.",
    ),
    ("sigma_min=2", "sigma_min times modes must be from 0.0001 to 20, got 60.0."),
    ("horizon=-1", "horizon must be a finite number above 0, got -1.0: give a number above 0."),
    ("grid.modes=[0]", "each of grid.modes must be from 1 to 2000, got 0."),
    (
        "grid.epsilons=[2]",
        "each of grid.epsilons must be above 0 and below 1, at least 1e-100, got 2.0: it is the factor that "
        "modes shrink by.",
    ),
    (
        "grid.sigma_0=[0.1]",
        "each of grid.sigma_0 must be at least the largest grid.last over the smallest grid.modes, 0.3, got 0.1: "
        "raise grid.sigma_0 or lower grid.last.",
    ),
    (
        "grid.horizons=[1e-9]",
        "each of grid.horizons must be long enough for a mode to decay, at least 0.00136 with bandwidths from "
        "0.1 to 0.5 and 10 modes, got 1e-09: raise it, or bring the bandwidths nearer to 1.4/mode.",
    ),
    ("grid.rates=[]", "grid.rates must name at least one value, got an empty list: name one, or leave it out."),
    (
        "kernel.bandwidth=0",
        "kernel.bandwidth must be a finite number above 0, got 0.0: give a length (the data has about unit "
        "size), e.g. kernel.bandwidth=0.1.",
    ),
    ("floor=2", "floor must be above 0 and at most 1, got 2.0."),
    ("seeds=[0]", "seeds must name at least 2 different seeds, for a standard deviation, got [0]: add some."),
    ("jobs=0", "jobs must be from 1 to 1024, got 0."),
    ("resume=nowhere", "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>."),
]


@pytest.mark.parametrize(("setting", "told"), REFUSALS, ids=[setting for setting, _ in REFUSALS])
def test_it_refuses_in_one_line(setting: str, told: str, refusal) -> None:
    assert refusal("ablate-schedule", *setting.split()) == told
