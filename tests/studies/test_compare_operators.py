"""`drift compare-operators`, small: what it writes and keeps, that only the operator differs, what it refuses."""

from __future__ import annotations

import json
import math
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from drift_cli import config as configs
from drift_cli.data import target_of
from drift_cli.metrics.modes import total_variation
from drift_cli.report import claims
from drift_cli.shell.cli import main
from drift_cli.studies.compare_operators import comparison, template
from drift_cli.studies.compare_operators import runs as making
from drift_cli.studies.compare_operators.fields import Field
from drift_cli.studies.compare_operators.figure_5 import _first_within
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig
from drift_cli.training import step as steps
from drift_cli.training.streams import stream
from tests.problems.blank import blank_figures
from tests.problems.left import assert_drawn, tables

DRAWN = True

SMALL = (
    "particles=32",
    "particle_steps=5",
    "etas=[0.1,1.0]",
    "batch_size=32",
    "steps=5",
    "start_steps=5",
    "generator.widths=[16]",
    "points=100",
    "projections=5",
    "draws=1",
    "track=2",
    "probes=2",
    "rounds=2",
    "seeds=[0,1]",
    "jobs=1",
)
FIGURE_5 = ("sinkhorn_5e-2", "sinkhorn_1e-1")
COMPARED = ("mean_shift_laplace", "mean_shift_gaussian", "sinkhorn_5e-2", "mmd", "energy", "chi2")
STARTS = ("standard", "far", "missing_mode")
CURVES = "operator,start,seed,steps,seconds,sw,floor,marginal_error,iterations"


@pytest.fixture(autouse=True, scope="module")
def fewer() -> Iterator[None]:
    """Points on which the template of a discrepancy's drift is measured; it has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_PARTICLES", 12), ("_FEW", (4, 6)), ("_STEPS", 10), ("_PAIRS", 20)):
            patch.setattr(template, name, value)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    words = [*SMALL, f"only=[{','.join(COMPARED)}]", f"starts=[{','.join(STARTS)}]"]
    assert main(["compare-operators", *words, f"hydra.run.dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="module")
def figure_5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figure_5")
    few = f"only=[mean_shift_laplace,{','.join(FIGURE_5)}]"  # at ε = 0.01 the fields alone take a minute
    assert main(["compare-operators", "experiment=fig5", few, *SMALL, f"hydra.run.dir={folder}"]) == 0
    return folder


def summary(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def settings(folder: Path, **changes: Any) -> CompareOperatorsConfig:
    config = configs.load(folder / "config.yaml", CompareOperatorsConfig)
    for key, value in changes.items():
        setattr(config, key, value)
    return config


def test_it_leaves_its_numbers_curves_table_and_figures(finished: Path) -> None:
    found = summary(finished)
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
    for operator in COMPARED:
        assert found[f"{operator}.ms_per_step"] > 0
        assert found[f"{operator}.ms_per_drift"] > 0
        assert found[f"{operator}.curl"] >= 0
        assert found[f"{operator}.eta"] in (0.1, 1.0)
        for start in STARTS:
            for form in ("particles", "generator"):
                key = f"{operator}.{start}.{form}"
                if not found[f"{key}.diverged"]:
                    assert found[f"{key}.sw"] > 0
                    assert found[f"{key}.sw_floor"] > 0
                    assert found[f"{key}.sw.sd"] >= 0
                    assert 0 <= found[f"{key}.mode_error"] <= 1
    assert found["sinkhorn_5e-2.standard.generator.marginal_error"] > 0
    told = (finished / "table.md").read_text()
    assert all(f"| {operator} |" in told for operator in COMPARED)
    assert_drawn(finished / "figures", "gallery_particles", "gallery_generator")
    kept = [json.loads(place.read_text()) for place in sorted((finished / "runs").glob("particles_*.json"))]
    curves = {
        "etas": ("operator,eta,diverged,sw_over_floor", len(COMPARED) * 2),
        "generator": (CURVES, len(COMPARED) * len(STARTS) * 2 * 3),
        "particles": (CURVES, sum(len(run["steps"]) for run in kept)),  # fewer of those that diverge
    }
    tabled = tables(finished / "data", curves)
    etas, last = tabled["etas"], tabled["generator"]["steps"] == 5
    for operator in COMPARED:
        tried = zip(etas["diverged"], etas["sw_over_floor"], etas["eta"], strict=True)
        best = min(each for name, each in zip(etas["operator"], tried, strict=True) if name == operator)
        assert found[f"{operator}.eta"] == best[2]
    assert last.sum() == len(COMPARED) * len(STARTS) * 2
    assert (tabled["generator"]["sw"][last] > 0).all()
    sinkhorn = tabled["generator"]["operator"] == "sinkhorn_5e-2"
    assert (tabled["generator"]["iterations"][last & sinkhorn] > 0).all()
    assert (tabled["generator"]["iterations"][~sinkhorn] == 0).all()


def test_what_is_measured_decides_every_claim(finished: Path, figure_5: Path) -> None:
    fields = {claim.field for claim in claims.of("compare-operators")}
    assert fields
    late = {"fig5.steps_to_2_floors_over_laplace.max"}  # ten steps do not get there
    assert fields - late <= set(summary(finished)) | set(summary(figure_5))
    runs = {"steps": [1, 4, 9], "sw": [0.9, 0.2, 0.1], "floor": [0.1, 0.1, 0.1]}
    assert _first_within(runs, "steps") == 4
    assert _first_within(runs | {"sw": [0.9, 0.8, 0.7]}, "steps") == math.inf


def test_the_curl_tells_gradients_from_others(finished: Path) -> None:
    found = summary(finished)
    for operator in ("mean_shift_gaussian", "sinkhorn_5e-2", "energy", "chi2"):
        assert found[f"{operator}.curl"] < 1e-4  # step² times third derivatives
    assert found["mean_shift_laplace.curl"] > 0.01
    for operator in ("sinkhorn_5e-2", "energy"):
        assert found[f"{operator}.at_equality"] < 1e-6
    assert found["mean_shift_laplace.at_equality"] > 1e-3  # a query that leaves itself out is not at q = p


def test_the_template_is_measured_of_particles_and_its_worst_case_told(finished: Path, figure_5: Path) -> None:
    found = summary(finished)
    for what in ("gradient_error", "least", "asymmetry"):
        assert found[f"sinkhorn.{what}.min"] == found[f"sinkhorn_5e-2.{what}.min"]
        assert found[f"sinkhorn.{what}.min"] <= found[f"sinkhorn.{what}.max"]
    rises = [found[f"{label}.rise.max"] for label in ("mmd", "energy", "chi2")]
    assert found["discrepancies.rise.max"] == max(rises) < 0
    assert "mean_shift_laplace.rise.max" not in found  # of no discrepancy
    assert not any(key.endswith((".rise.max", ".asymmetry.max")) for key in summary(figure_5))


def test_a_stopped_study_goes_on_where_it_was(finished: Path, tmp_path: Path, refusal) -> None:
    folder = shutil.copytree(finished, tmp_path / "study")
    before, runs = summary(folder), sorted((folder / "runs").glob("*.json"))
    written = {place: place.stat().st_mtime_ns for place in [*runs, *sorted((folder / "parts").glob("*.json"))]}
    lost = folder / "runs/particles_sinkhorn_5e-2_far_1.json"
    lost.unlink()
    (folder / "summary.json").unlink()
    with blank_figures():
        assert main(["compare-operators", f"resume={folder}"]) == 0
    assert summary(folder) == before  # a run that is made again is the same
    assert [place for place, when in written.items() if place.stat().st_mtime_ns != when] == [lost]
    assert refusal("compare-operators", f"resume={folder}", "steps=50") == (
        "steps belongs to the resumed run and cannot change: with resume= only jobs, executor can be given. "
        "Leave it out, or start a new run."
    )


def test_particles_take_explicit_steps_of_the_field_alone(finished: Path) -> None:
    config = settings(finished)
    operator = config.compared()["energy"]
    bench = making.built(making.particle_run(config, operator, "missing_mode", 0, 0.3))
    x = bench.model.positions.detach().clone()
    y = bench.data(config.particles, "data", 0).points
    expected = x + 0.3 * bench.drift(bench.kernel, x, y, x, paired=True)
    steps.build(bench)(0)
    torch.testing.assert_close(bench.model.positions.detach(), expected, rtol=0, atol=1e-6)  # float32


def test_every_operator_starts_at_the_same_place(finished: Path) -> None:
    config = settings(finished)
    runs = [making.particle_run(config, o, "far", 1, 0.1) for o in config.compared().values()]
    first, *others = [making.built(run).model.positions for run in runs]
    for other in others:
        assert bool((other == first).all())
    curves = {}
    for label in COMPARED:
        kept = json.loads((finished / f"runs/generator_{label}_missing_mode_0.json").read_text())
        curves[label] = kept["sw"]
    assert len({curve[0] for curve in curves.values()}) == 1
    assert len({curve[-1] for curve in curves.values()}) > 1


@pytest.mark.parametrize(
    ("start", "error"), [("missing_mode", 0.3), ("imbalanced", 0.4), ("collapsed", 0.6), ("far", 1.0)]
)
def test_the_starts_are_what_they_are_called(start: str, error: float, finished: Path) -> None:
    """Weights 0.4, 0.3, 0.2, 0.1: without 0.3; reversed; all on 0.4; none anywhere. To 0.02 at 20,000 samples."""
    config = settings(finished)
    begins = making.start_distribution(start, config.dataset)
    mixture = making.target_modes(config.dataset)
    assert begins is not None
    assert mixture is not None
    samples = target_of(begins.made()).sample(20_000, stream(0, "sample"), torch.float64).points
    assert total_variation(samples, mixture) == pytest.approx(error, abs=0.02)


def test_the_step_size_is_the_best_of_those_that_diverge_least() -> None:
    scores = [
        comparison._score(ratios) for ratios in ({"a": 1.0, "b": 4.0}, {"a": 1.0, "b": None}, {"a": None, "b": None})
    ]
    assert scores == [(0, pytest.approx(2.0)), (1, pytest.approx(1.0)), (2, math.inf)]
    assert min(scores) == scores[0]


def test_the_sinkhorn_drift_recovers_the_weights_of_modes_and_the_gaussian_mean_shift_not(finished: Path) -> None:
    """Of 200 particles from the imbalanced start: six bandwidths part the modes, a factor e^-18 of the kernel."""
    config = settings(finished, particles=200, particle_steps=60, points=200)
    errors = {}
    for label in ("sinkhorn_5e-2", "mean_shift_gaussian"):
        found = making.particle_run(config, config.compared()[label], "imbalanced", 3, 1.0).made(Path("unused"))
        errors[label] = found["mode_error"]
    assert errors["sinkhorn_5e-2"] < 0.2 < errors["mean_shift_gaussian"]  # 0.4 where it starts


def test_figure_5_compares_the_drifts_by_seed(figure_5: Path) -> None:
    found = summary(figure_5)
    assert all(math.isfinite(value) for value in found.values())
    for label in ("mean_shift_laplace", *FIGURE_5):
        assert found[f"fig5.{label}.sw_over_floor"] <= found["fig5.sw_over_floor.max"] + 1e-12
    ratios = [found[f"fig5.{label}_over_laplace"] for label in FIGURE_5]
    assert found["fig5.sinkhorn_over_laplace.max"] == max(ratios)
    for label in FIGURE_5:
        assert found[f"fig5.{label}.iterations"] >= 2
    assert_drawn(figure_5 / "figures", "gallery_generator", "training")
    curves = tables(figure_5 / "data", {"generator": (CURVES, 3 * 2 * 3)})["generator"]
    assert set(curves["operator"]) == {"mean_shift_laplace", *FIGURE_5}
    assert set(curves["start"]) == {"own"}


def test_an_operator_that_diverges_is_said_to(tmp_path: Path, finished: Path) -> None:
    config = settings(finished, particle_steps=30)
    run = making.particle_run(config, config.compared()["chi2"], "far", 0, 1e6)
    found = run.made(Path("unused"))
    assert found["diverged"] is not None
    assert "final" not in found
    assert making.Tried({"far": run}).made(Path("unused")) == {"ratios": {"far": None}}


def test_the_field_is_measured_with_its_iterations_carried_to_the_end(finished: Path) -> None:
    config = settings(finished)
    found = Field(config.compared()["sinkhorn_5e-2"], config.dataset, 32, 3, 0).made(Path("unused"))
    assert found["curl"] < 1e-5
    assert found["at_equality"] < 1e-8
    assert not np.isnan(found["curl"])


REFUSALS = [
    (
        "only=[mean_shift]",
        "each of only must be one of mean_shift_laplace, mean_shift_gaussian, batch_normalized, "
        "multi_temperature, sharp, kernel_score, noised_query, lookahead, sinkhorn_proxy, sinkhorn_1e-2, "
        'sinkhorn_5e-2, mmd, energy, sliced_wasserstein, chi2, smoothed_kl, got "mean_shift". Did you mean '
        '"mean_shift_laplace"?',
    ),
    ("only=[]", "only must name at least one value, got an empty list: name one, or leave it out."),
    (
        "operators.mmd=3",
        "operators.mmd must be settings such as {drift: sharp, kernel: laplace, bandwidth: 0.1}, got 3.",
    ),
    (
        "operators.mmd.drift=mdd",
        "operators.mmd.drift must be one of batch_normalized, features, from_discrepancy, kernel_score, "
        'lookahead, mean_shift, multi_temperature, noised_query, sharp, sinkhorn, sinkhorn_proxy, got "mdd".',
    ),
    (
        "operators.mmd.kernel=lapace",
        "operators.mmd.kernel must be one of designed, gaussian, laplace, matern32, matern52, mixture, "
        'rational_quadratic, got "lapace". Did you mean "laplace"?',
    ),
    (
        "operators.mmd.bandwidth=0",
        "operators.mmd.bandwidth must be a finite number above 0, got 0.0: give a length (the data has about "
        "unit size), e.g. operators.mmd.bandwidth=0.1.",
    ),
    (
        "+operators.mmd.width=0.1",
        'There is no setting "operators.mmd.width". Did you mean "bandwidth"? Available: drift, kernel, '
        "bandwidth, options.",
    ),
    (
        "operators.mmd.options.discrepancy=mdd",
        "operators.mmd.options.discrepancy must be one of chi2, energy, mmd, sinkhorn, sliced_wasserstein, "
        'smoothed_kl, got "mdd". Did you mean "mmd"?',
    ),
    (
        "+operators.sinkhorn_5e-2.options.epsilo=1",
        'There is no setting "operators.sinkhorn_5e-2.options.epsilo". Did you mean "epsilon"? Available: '
        "self_term, epsilon, tol, max_iter, independent_self, carry.",
    ),
    (
        "operators.mmd.options.discrepancy={name:mmd,draws:2}",
        'There is no setting "operators.mmd.options.discrepancy.draws". There are none to set: leave it out.',
    ),
    ("+operators.sharp.options={a:1}", 'There is no setting "operators.sharp.options.a". Available: self_term.'),
    (
        "'+operators.a={drift: sinkhorn, options: {self_term: exclude}}'",
        'operators.a.options.self_term must be include with drift=sinkhorn, got "exclude": the plan of the '
        "samples with themselves contains every pair. Leave it out.",
    ),
    (
        "+operators.lookahead.options={weights:3}",
        'operators.lookahead.options.weights must be a list, got "3": write operators.lookahead.options.weights=[3].',
    ),
    ("only=sharp", 'only must be a list, got "sharp": write only=[sharp].'),
    (
        "operators.mmd.options.discrepancy={name:sinkhorn,epsilon:-1}",
        "operators.mmd.options.discrepancy.epsilon must be from 1e-09 to 1e+09, got -1.0: give a squared length "
        "(the data has about unit size), e.g. operators.mmd.options.discrepancy.epsilon=0.05.",
    ),
    (
        "operators.smoothed_kl.kernel=laplace",
        "operators.smoothed_kl.kernel: The noise of drift.discrepancy=smoothed_kl is Gaussian, with the kernel's "
        "bandwidth as its standard deviation, but the kernel is Laplace: choose kernel=gaussian.",
    ),
    (
        "+operators.energy.kernel=laplace",
        "operators.energy must have neither kernel nor bandwidth, which drift=from_discrepancy does not use, got "
        "kernel: laplace: leave them out.",
    ),
    (
        "operators.sharp.kernel=null",
        "operators.sharp needs a kernel and a bandwidth, which drift=sharp uses, got bandwidth: 0.1: add kernel: "
        "laplace, bandwidth: 0.1.",
    ),
    (
        "'+operators={a b: {drift: sharp}}'",
        'A label of operators must be a letter followed by letters, digits, "_" or "-", so that its settings can '
        'be given as operators.<label>.…, got "a b": rename it.',
    ),
    (
        "'+operators={a.b: {drift: sharp}}'",
        'A label of operators must be a letter followed by letters, digits, "_" or "-", so that its settings can '
        'be given as operators.<label>.…, got "a.b": rename it.',
    ),
    (
        "operators.sinkhorn_5e-2.options.epsilon=-1",
        "operators.sinkhorn_5e-2.options.epsilon must be from 1e-09 to 1e+09, got -1.0: give a squared length "
        "(the data has about unit size), e.g. operators.sinkhorn_5e-2.options.epsilon=0.05.",
    ),
    ("starts=[]", "starts must name at least one value, got an empty list: name one, or leave it out."),
    (
        "starts=[near]",
        'each of starts must be one of standard, far, collapsed, missing_mode, imbalanced, own, got "near".',
    ),
    (
        "starts=[own]",
        "starts=[own] is the generator as it is initialised, and has no particles: add forms=[generator].",
    ),
    (
        "dataset=checkerboard",
        "starts=missing_mode needs a target with modes, and dataset=checkerboard has none: leave it out of "
        "starts, or choose dataset=unequal_modes.",
    ),
    (
        "dataset=digits starts=[standard]",
        "The gallery shows points of the plane, and dataset=digits has 64 columns: choose one with two.",
    ),
    (
        "forms=[particle]",
        'each of forms must be one of particles, generator, got "particle". Did you mean "particles"?',
    ),
    ("seeds=[]", "seeds must name at least one value, got an empty list: name one, or leave it out."),
    (
        "eta_seed=1",
        "eta_seed must not be one of seeds, on which its choices are evaluated, got 1: choose another.",
    ),
    ("etas=[0.0]", "each of etas must be a finite number above 0, got 0.0: give a number above 0."),
    ("particles=2", "particles must be from 8 to 65536, got 2."),
    ("steps=0", "steps must be at least 1, got 0."),
    (
        "generator=particles",
        "generator=particles has no generator.widths, which this command sets: leave generator=… out.",
    ),
    ("jobs=0", "jobs must be from 1 to 1024, got 0."),
    ("resume=nowhere", "There is no folder nowhere: name a run folder, e.g. outputs/train/<time>-<unique>."),
]


@pytest.mark.parametrize(("words", "told"), REFUSALS, ids=[words for words, _ in REFUSALS])
def test_it_refuses_in_one_line(words: str, told: str, refusal) -> None:
    assert refusal("compare-operators", *shlex.split(words)) == told
