"""`drift stop-grad-study`, small: what it writes, what it keeps, what it refuses, and the effect that it is about."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli import config as configs
from drift_cli.errors import RunFailed
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.report import claims
from drift_cli.shell.cli import main
from drift_cli.studies import kept_runs
from drift_cli.studies.stop_grad_study import mechanism, mechanism_figure, minibatch, training
from drift_cli.studies.stop_grad_study.landscape import _surfaces, flat, landscape, principal_plane
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.studies.stop_grad_study.training import PathsRun
from drift_cli.training.setup import Setup, assemble
from tests.problems.blank import blank_figures
from tests.problems.left import assert_drawn, tables
from tests.problems.processes import children, heed_interrupts

DRAWN = True

SMALL = (
    "datasets=[checkerboard]",
    "generator.widths=[16,16]",
    "batch_size=64",
    "steps=30",
    "track=8",
    "points=200",
    "projections=10",
    "draws=2",
    "plane=3",
    "jobs=1",
)
TABLES = {
    **{
        f"checkerboard_laplace_{paths}_{seed}": ("steps,drift_norm,mean_square,sw,spread,uncovered", 8)
        for paths in GRADIENT_PATHS
        for seed in (0, 1)
    },
    **{f"plane_checkerboard_laplace_{paths}": ("x,y,loss,sw", 3 * 3) for paths in GRADIENT_PATHS},
    "pairs": ("dataset,kernel,bandwidth,batch_size,seed,ratio,collapsed", 2 * 2),
    "mechanism_cloud": ("dataset,kernel,paths,time,std,way,loss", 4 * 5),
    "mechanism_cosines": ("dataset,kernel,width,paths,cosine", 5 * 3),
    "mechanism_growth": ("dataset,kernel,paths,of,measured,predicted,state", 4 * 4),
    "mechanism_minibatch": ("dataset,kernel,bandwidth,state,batch_size,loss,error,predicted,effective", 2 * 3),
    "mechanism_rates": ("kernel,mode,paths,lambda,predicted,instantaneous,along_flow", 2 * 2 * 4),
}


DRAWINGS = ("mechanism", "norm_against_distance_laplace", "curves_laplace", "samples_laplace", "samples_alone", "pairs",
            "landscape_checkerboard_laplace")  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    pairs = "pairs={bandwidths: [0.1, 0.2], batch_sizes: [64], seeds: [0, 1]}"
    with pytest.MonkeyPatch.context() as patch:  # the mechanism has tests of its own
        patch.setattr(mechanism, "_MODES", (1, 5))
        patch.setattr(mechanism, "_TIMES", np.linspace(0, 4, 5))
        patch.setattr(minibatch, "_POPULATION", 2048)
        patch.setattr(minibatch, "_FACTORS", (1.0,))
        for module in (minibatch, mechanism_figure):
            patch.setattr(module, "SIZES", (128, 256, 512))
        assert main(["stop-grad-study", *SMALL, "seeds=[0,1]", pairs, f"hydra.run.dir={folder}"]) == 0
    return folder


def summary(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def test_it_leaves_its_numbers_curves_and_figures(finished: Path) -> None:
    found = summary(finished)
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
    for paths in GRADIENT_PATHS:
        for what in ("sw", "sw_floor", "loss", "drift_norm"):
            assert found[f"checkerboard.laplace.{paths}.{what}"] > 0
            assert found[f"checkerboard.laplace.{paths}.{what}.sd"] >= 0
    missing = {claim.field for claim in claims.of("stop-grad-study")} - set(found)
    # With one kernel there is no comparison of two; and so short, the stop-gradient's runs do not cover the target
    # either, and nothing is said of collapse.
    uncovered = {"samples_alone_collapses", "query_alone_collapses"} if found["none_collapsed"] else set()
    assert missing == {"none.gaussian_over_laplace_sw"} | uncovered
    assert_drawn(finished / "figures", *DRAWINGS)
    tabled = tables(finished / "data", TABLES)
    for paths, seed in itertools.product(GRADIENT_PATHS, (0, 1)):
        curve = tabled[f"checkerboard_laplace_{paths}_{seed}"]
        kept = json.loads((finished / f"runs/checkerboard_laplace_0.1_64_{paths}_{seed}.json").read_text())
        assert curve["sw"].tolist() == kept["sw"]
        assert (curve["steps"][0], curve["steps"][-1]) == (1, 30)
        assert (curve["mean_square"] > 0).all()
    for paths in GRADIENT_PATHS:
        plane = tabled[f"plane_checkerboard_laplace_{paths}"]
        assert ((plane["x"] == 0) & (plane["y"] == 0)).sum() == 1  # the last weights
        assert (plane["sw"] > 0).all()
    assert found["pairs.laplace.samples_over_none"] == pytest.approx(np.exp(np.log(tabled["pairs"]["ratio"]).mean()))
    assert (np.diff(tabled["mechanism_minibatch"]["loss"].reshape(2, 3)) < 0).all()  # as the batch grows
    growth = tabled["mechanism_growth"]
    np.testing.assert_allclose(growth["measured"], growth["predicted"], atol=1e-4)
    low, value, high = (found[f"pairs.laplace.samples_over_none{end}"] for end in (".ci_low", "", ".ci_high"))
    assert low < value < high


def test_a_stopped_study_goes_on_where_it_was(finished: Path, tmp_path: Path, refusal) -> None:
    folder = shutil.copytree(finished, tmp_path / "study")
    before, runs = summary(folder), sorted((folder / "runs").glob("*.json"))
    assert len(runs) == 4 * 2 + 2 * 2  # every choice of paths, twice; the pairs at the other bandwidth
    written = {place: place.stat().st_mtime_ns for place in [*runs, folder / "parts/mechanism.json"]}
    lost = runs[3]
    lost.unlink()
    (folder / "summary.json").unlink()
    with blank_figures():
        assert main(["stop-grad-study", f"resume={folder}"]) == 0
    assert summary(folder) == before  # a run that is made again is the same
    assert [place for place, when in written.items() if place.stat().st_mtime_ns != when] == [lost]
    provenance = json.loads((folder / "provenance.json").read_text())
    assert "seeds=" in provenance["command"] or "pytest" in provenance["command"]
    assert len(provenance["resumed"]) == 1
    assert refusal("stop-grad-study", *SMALL, f"hydra.run.dir={folder}") == (  # other seeds
        "study contains a study with other settings and is left unchanged: resume=study continues it, another "
        "hydra.run.dir=… starts a new one."
    )
    assert refusal("stop-grad-study", f"resume={folder}", "steps=50") == (
        "steps belongs to the resumed run and cannot change: with resume= only jobs, executor can be given. "
        "Leave it out, or start a new run."
    )
    assert summary(folder) == before


def settings(folder: Path) -> StopGradStudyConfig:
    return configs.load(folder / "config.yaml", StopGradStudyConfig)


def test_other_settings_are_other_runs_and_several_at_a_time_are_the_same(finished: Path, tmp_path: Path) -> None:
    config = settings(finished)
    plan = {case: job for case, job in training.planned(config).items() if case.paths in ("none", "both")}
    plan = dict(list(plan.items())[:2])
    alone = {run: training.read(kept) for run, kept in kept_runs.each(plan, finished / "runs", 1)}
    together = {run: training.read(kept) for run, kept in kept_runs.each(plan, tmp_path, 2)}
    for case in plan:
        np.testing.assert_array_equal(together[case].sw, alone[case].sw)
    config.optimizer.lr *= 3
    case = next(iter(plan))
    ((_, other),) = kept_runs.each({case: training.planned(config)[case]}, tmp_path, 1)
    assert other["final_sw"] != alone[case].final_sw


@pytest.mark.slow
def test_the_stop_gradient_is_what_keeps_the_samples_on_the_target(finished: Path, tmp_path: Path) -> None:
    """300 steps are enough: the widest margins of the study, at a fifth of its length, and a bound inside them."""
    config = settings(finished)
    config.batch_size, config.steps, config.points, config.projections, config.plane = 256, 300, 1000, 50, 0
    config.generator.widths = [64, 64]  # type: ignore[attr-defined]
    config.seeds, config.pairs.seeds = [3], []
    kept = kept_runs.each(training.planned(config), tmp_path, 1)
    found = {case.paths: training.read(run) for case, run in kept}
    sw = {paths: run.final_sw for paths, run in found.items()}
    assert sw["none"] < 4 * found["none"].sw_floor
    assert sw["both"] > 5 * sw["none"]
    assert sw["query"] > 5 * sw["none"]
    assert sw["samples"] < sw["both"] / 3
    assert found["both"].spread[-1] < 0.2
    assert min(found["none"].spread[-1], found["samples"].spread[-1]) > 0.8
    assert found["both"].uncovered[-1] > 0.8
    assert found["none"].uncovered[-1] < 0.2
    assert found["both"].drift_norm[-1] < found["both"].drift_norm[0]  # and yet the norm fell


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_study_that_is_stopped_leaves_no_process_and_says_how_to_go_on(finished: Path, tmp_path: Path, how) -> None:
    for part in ("parts", "figures"):
        shutil.copytree(finished / part, tmp_path / part)  # so that it starts with training
    words = [*SMALL, "jobs=2", "steps=40", "seeds=[0,5,6,7,8,9]", f"hydra.run.dir={tmp_path}"]
    running = subprocess.Popen(
        [sys.executable, "-m", "drift_cli", "stop-grad-study", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,  # noqa: PLW1509
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list((tmp_path / "runs").glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = children(running.pid)
    assert workers
    running.send_signal(how)
    said, told = running.communicate(timeout=60)
    if how == signal.SIGINT:
        assert running.returncode == 130
        assert f"stopped: {tmp_path} is incomplete; to resume: drift stop-grad-study resume={tmp_path}" in said
        assert "Traceback" not in said + told
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert not (tmp_path / "summary.json").exists()
    for kept in (tmp_path / "runs").glob("*.json"):
        assert json.loads(kept.read_text())  # whole, whatever a killed worker left beside it
    assert how == signal.SIGKILL or not list((tmp_path / "runs").glob("*.partial"))


def test_weights_that_are_not_finite_end_the_run_where_it_was_last(finished: Path, tmp_path: Path, monkeypatch) -> None:
    config = settings(finished)
    case = PathsRun("checkerboard", "laplace", config.bandwidth, config.batch_size, "both", 0)
    job = training.planned(config)[case]
    built = training.steps.build

    def breaking_at_20(setup: Setup):
        advance = built(setup)

        def step(number: int):
            taken = advance(number)
            if number == 20:
                with torch.no_grad():
                    next(iter(setup.model.parameters())).fill_(math.nan)
            return taken

        return step

    monkeypatch.setattr(training.steps, "build", breaking_at_20)
    kept = training._trained(job, tmp_path)
    assert 20 < kept["diverged"] <= config.steps
    assert max(kept["steps"]) <= 20
    assert math.isfinite(kept["final_sw"])
    assert kept["plane"] is None
    config.optimizer.lr = 1e18
    with pytest.raises(RunFailed, match="a lower optimizer"):
        training._trained(training.planned(config)[case], tmp_path)


@pytest.fixture
def setup(finished: Path) -> Setup:
    config = settings(finished)
    return assemble(next(iter(training.planned(config).values())).settings)


def test_the_plane_is_that_of_the_gradients(setup) -> None:
    torch.manual_seed(0)
    axes, _ = torch.linalg.qr(torch.randn(50, 2))
    gradients = torch.randn(40, 2) * torch.tensor([3.0, 1.0]) @ axes.T + torch.randn(50)  # all share a mean
    first, last = torch.randn(50), torch.randn(50)
    plane = principal_plane(gradients, first, last)
    torch.testing.assert_close(plane.axes @ plane.axes.T, torch.eye(2), rtol=0, atol=1e-5)
    torch.testing.assert_close((plane.axes @ axes).norm(dim=1), torch.ones(2), rtol=0, atol=1e-4)  # float32
    assert float(plane.shares.sum()) == pytest.approx(1, abs=1e-5)
    assert (plane.coordinates(first[None]) >= 0).all()
    torch.testing.assert_close(plane.coordinates(plane.at(torch.tensor([[0.3, -2.0]]))), torch.tensor([[0.3, -2.0]]))


def test_the_losses_are_equal_as_functions_of_the_weights(setup, finished: Path) -> None:
    weights = flat(list(setup.model.parameters()))
    gradients = torch.randn(5, len(weights), generator=torch.Generator().manual_seed(0))
    way = torch.stack([weights + gradients[0], weights])
    surface = landscape(setup, gradients, way, 5, 200, 10)
    row, column = np.flatnonzero(surface.y == 0), np.flatnonzero(surface.x == 0)
    assert len(row) == len(column) == 1  # the last weights are a point of the grid
    other = assemble(replace(setup.config, gradient_paths="both"))
    loss, sw = _surfaces(other, weights[None], 200, 10)
    assert surface.loss[row, column] == pytest.approx(float(loss), rel=1e-5)  # float32, another order of sums
    assert surface.sw[row, column] == pytest.approx(float(sw), rel=1e-5)
    assert not np.allclose(surface.loss, float(loss), rtol=0.01)


REFUSALS = [
    ("datasets=[]", "datasets must name at least one value, got an empty list: name one, or leave it out."),
    (
        "datasets=[swissroll]",
        'each of datasets must be one of swiss_roll, checkerboard, got "swissroll". Did you mean "swiss_roll"?',
    ),
    (
        "kernels=[laplace,laplace]",
        "kernels must be different from each other, got [laplace,laplace]: leave the repeated one out.",
    ),
    (
        "kernels=[rational_quadratic]",
        'each of kernels must be one of gaussian, laplace, matern32, matern52, got "rational_quadratic".',
    ),
    ("bandwidth=0", "bandwidth must be a finite number above 0, got 0.0: give a number above 0."),
    (
        "generator=particles",
        "generator must be mlp: the landscape is a plane of a network's weights, got particles. Leave it out, or "
        "set the network with generator.widths=[…].",
    ),
    ("batch_size=1", "batch_size must be at least 2, got 1."),
    ("steps=5", "steps must be at least 10, got 5."),
    ("seeds=[]", "seeds must name at least one value, got an empty list: name one, or leave it out."),
    ("seeds=[-1]", "each of seeds must be at least 0, got -1."),
    ("track=2", "track must be from 8 to 1000, got 2."),
    ("plane=2", "plane must be 0 (no landscape) or from 3 to 201, got 2."),
    ("jobs=0", "jobs must be from 1 to 1024, got 0."),
    (
        "pairs.seeds=[0,1]",
        "pairs.bandwidths, pairs.batch_sizes and pairs.seeds must all name values or all be empty: give "
        "pairs.bandwidths and pairs.batch_sizes values too.",
    ),
    (
        "drift=multi_temperature drift.normalize=rms",
        "gradient_paths=query differentiates |V|^2, which drift.normalize=rms makes constant: choose "
        "drift.normalize=none, or gradient_paths=none.",
    ),
    ("resume=nowhere", "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>."),
]


@pytest.mark.parametrize(("words", "told"), REFUSALS, ids=[words for words, _ in REFUSALS])
def test_it_refuses_in_one_line(words: str, told: str, refusal) -> None:
    assert refusal("stop-grad-study", *words.split()) == told


@pytest.mark.slow
def test_one_choice_of_paths_is_a_study_too(finished: Path, tmp_path: Path) -> None:
    for part in ("parts", "figures"):
        shutil.copytree(finished / part, tmp_path / part)  # the mechanism, which is the same
    small = ("datasets=[checkerboard]", "generator.widths=[8]", "batch_size=32", "steps=20", "track=8", "points=100",
             "projections=5", "draws=2", "plane=3", "device=cpu", "jobs=1")  # fmt: skip
    assert main(["stop-grad-study", "paths=[none]", *small, f"hydra.run.dir={tmp_path}"]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert "checkerboard.laplace.none.sw" in summary
    assert "checkerboard.laplace.both.sw" not in summary
    assert_drawn(tmp_path / "figures", *DRAWINGS)
