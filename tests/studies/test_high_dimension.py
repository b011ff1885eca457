"""`drift high-dimension`, small: what it writes and keeps, what is the same for all methods, who is ahead and when."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from drift_cli import config as configs
from drift_cli.config.objects import chosen
from drift_cli.data.gaussian_mixture import GaussianMixture, on_a_sphere
from drift_cli.report import claims
from drift_cli.shell.cli import main
from drift_cli.studies.high_dimension import collapse, comparison, network
from drift_cli.studies.high_dimension.from_spread import stretch
from drift_cli.studies.high_dimension.judging import floors, judged
from drift_cli.studies.high_dimension.network import SPREADS, NetworkRun
from drift_cli.studies.high_dimension.particles import Flow, ParticleRun
from drift_cli.studies.high_dimension.self_terms import FromTheTruth
from drift_cli.studies.high_dimension.settings import CollapseConfig, HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place
from drift_cli.studies.numbers import Interval
from drift_cli.training.setup import assemble
from drift_cli.training.streams import stream
from tests.problems.blank import blank_figures
from tests.problems.left import assert_drawn, tables

DRAWN = True

METHODS = ("gaussian_annealed", "gaussian", "multi_scale", "sinkhorn")
METHODS_WITH_A_KERNEL = ("gaussian", "gaussian_annealed", "laplace", "laplace_annealed", "multi_scale")
SMALL = (
    f"methods=[{','.join(METHODS)}]",
    "whole=[gaussian_annealed,gaussian]",
    "dimensions=[2,8]",
    "subspace=[8]",
    "high=8",
    "modes=4",
    "factors=[0.5,1.0]",
    "seeds=[0,1]",
    "particles=40",
    "particle_steps=6",
    "self_dimensions=[2,8]",
    "network.dimension=8",
    "network.methods=[gaussian_annealed,gaussian]",
    "network.factors=[0.5,1.0]",
    "network.seeds=[0,1]",
    "network.batch_size=32",
    "network.short=3",
    "network.long=6",
    "network.samples=100",
    "collapse.dimensions=[8]",
    "collapse.spreads=[0.05,1.0]",
    "collapse.seeds=[0,1]",
    "collapse.steps=3",
    "generator.widths=[16]",
    "jobs=1",
)
_OUTCOMES = "tv,found,variance,covariance_error,energy,seconds"
TABLES = {
    # places: all methods on one seed, two whole and two chosen on two more
    "particles": (f"dimension,placement,method,stage,seed,factor,{_OUTCOMES}", 3 * (4 * 2 + 2 * (2 * 2 + 2))),
    # starts: both methods at both factors on one seed, and as chosen, short and long, on two more
    "network": (f"method,start,budget,factor,seed,{_OUTCOMES}", 2 * 2 * (2 + 2 * 2)),
}


pytestmark = pytest.mark.usefixtures("few_for_the_bandwidth")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    assert main(["high-dimension", *SMALL, f"hydra.run.dir={folder}"]) == 0
    return folder


def summary(folder: Path) -> dict[str, float]:
    return json.loads((folder / "summary.json").read_text())


def settings(folder: Path, **changes: Any) -> HighDimensionConfig:
    config = configs.load(folder / "config.yaml", HighDimensionConfig)
    for key, value in changes.items():
        setattr(config, key, value)
    return config


def test_it_leaves_its_numbers_runs_and_figure(finished: Path) -> None:
    found = summary(finished)
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
    for place in ("circle_2", "random_8", "subspace_8"):
        assert 0 < found[f"floor.{place}.tv"] < 0.3
        for method in METHODS:
            assert found[f"{place}.{method}.factor"] in (0.5, 1.0)
            assert 0 <= found[f"{place}.{method}.tv"] <= 1
            assert found[f"{place}.{method}.tv.ci_low"] <= found[f"{place}.{method}.tv"]
            assert (f"{place}.{method}.good" in found) == (method in ("gaussian_annealed", "gaussian"))
    for span in ("low", "high"):
        assert {f"{span}.{rival}.tv_behind" for rival in METHODS[1:]} <= set(found)
    tabled = tables(finished / "data", TABLES)
    rows = tabled["particles"]
    for place, method in itertools.product(("circle_2", "random_8", "subspace_8"), METHODS):
        placement, dimension = place.split("_")
        here = (rows["placement"] == placement) & (rows["dimension"] == int(dimension)) & (rows["method"] == method)
        tried = here & (rows["stage"] == "choosing")
        best = rows["tv"][tried & (rows["factor"] == found[f"{place}.{method}.factor"])]
        assert best.tolist() == [rows["tv"][tried].min()]
        judging = here & (rows["stage"] == "judging") & (rows["factor"] == found[f"{place}.{method}.factor"])
        assert found[f"{place}.{method}.tv"] == pytest.approx(rows["tv"][judging].mean())
    for budget, count in (("short", 2 * 2 * (2 + 2)), ("long", 2 * 2 * 2)):
        assert (tabled["network"]["budget"] == budget).sum() == count
    assert ((tabled["network"]["tv"] >= 0) & (tabled["network"]["tv"] <= 1)).all()
    assert found["lost_mode_short"] >= 1
    for term in ("include", "exclude", "balanced"):
        assert found[f"self_term.8.{term}.size"] > 0
    for start in ("collapsed", "spread"):
        for budget in ("short", "long"):
            assert 0 <= found[f"network.{start}.{budget}.gaussian.tv"] <= 1
            assert f"network.{start}.{budget}.gaussian.tv_behind.ci_low" in found
    for form in collapse.FORMS:
        # three steps of a small network move no spread far, by whatever form
        assert found[f"collapse.8.0.05.{form}.spread"] < found[f"collapse.8.1.{form}.spread"]
    assert_drawn(finished / "figures", "against_dimension", "self_terms", "network", "collapse")


def test_finished_runs_are_not_made_again(finished: Path, tmp_path: Path, refusal) -> None:
    folder = shutil.copytree(finished, tmp_path / "study")
    before = {file: file.read_bytes() for file in (folder / "runs").glob("*.json")}
    numbers = summary(folder)
    assert len(before) == 3 * 3 + 2 * 2 + 2 * 2 * (2 + 2 * 2) + 2 * 4 * 2  # particles, self terms, networks, forms
    with blank_figures():
        assert main(["high-dimension", f"resume={folder}"]) == 0
    assert {file: file.read_bytes() for file in (folder / "runs").glob("*.json")} == before
    assert summary(folder) == numbers
    assert refusal("high-dimension", f"resume={folder}", "particles=50") == (
        "particles belongs to the resumed run and cannot change: with resume= only jobs, executor can be given. "
        "Leave it out, or start a new run."
    )


def test_without_reach_annealed_and_several_scales_are_the_fixed_kernel(finished: Path) -> None:
    """From the same start over the same data; with it they are not."""

    def outcomes(reach: float) -> dict[str, dict[str, float]]:
        config = settings(finished, reach=reach)
        tried = {method: [1.0] for method in METHODS_WITH_A_KERNEL}
        flow = Flow(config, Place(8, "random"), 3, tried, {"gaussian": 0.3, "laplace": 0.2})
        return {method: each[0] for method, each in flow.made(None)["outcomes"].items()}

    def alike(found: dict[str, dict[str, float]], one: str, other: str) -> bool:
        return all(
            found[one][name] == pytest.approx(found[other][name], rel=1e-3) for name in ("variance", "energy", "tv")
        )

    none, some = outcomes(1.0), outcomes(8.0)
    for one, other in (("gaussian_annealed", "gaussian"), ("laplace_annealed", "laplace"), ("multi_scale", "laplace")):
        assert alike(none, one, other)
        assert not alike(some, one, other)


@pytest.mark.parametrize(("start", "spread"), SPREADS.items())
def test_a_network_begins_where_it_is_told(finished: Path, start: str, spread: float) -> None:
    config = settings(finished)
    run = network.job(config, {"gaussian": 0.3}, NetworkRun("gaussian", start, "short", 1.0, 0))
    setup = assemble(run.settings)
    stretch(setup, run.spread)
    with torch.no_grad():
        x = setup.model.sample(20_000, setup.stream("sample", 0))
    target = setup.data(20_000, "data", 0).points
    assert float((x.mean(dim=0) - target.mean(dim=0)).norm()) < 0.05  # means of 4,096 and 20,000 points of unit spread
    assert float(x.var(dim=0).sum().sqrt() / target.var(dim=0).sum().sqrt()) == pytest.approx(spread, rel=0.05)


def test_the_official_form_stays_collapsed_where_mean_shifts_spread_again(finished: Path) -> None:
    """From a hundredth of the target's spread, in 32 dimensions; both keep a start that is spread."""
    config = settings(finished)
    config.collapse = CollapseConfig(dimensions=[32], spreads=[0.01, 1.0], seeds=[0], steps=300)
    config.modes, config.network.batch_size, config.network.samples = 16, 256, 1000
    config.generator.widths = [128, 128, 128]
    ended = {
        (case.form, case.spread): job.made(None)["spread"]
        for case, job in collapse.jobs(config).items()
        if case.form in ("official", "mean_shifts")
    }
    assert ended["official", 0.01] < 0.05
    assert ended["mean_shifts", 0.01] > 0.2
    assert min(ended["official", 1.0], ended["mean_shifts", 1.0]) > 0.5


def test_points_of_the_target_keep_their_spread_by_one_self_term_alone() -> None:
    """In the plane all three keep it about; in 32 dimensions one contracts, one blows up."""

    def kept(place: Place, bandwidth: float) -> dict[str, dict[str, float]]:
        dataset = chosen("dataset", "gaussian_mixture", modes=16, dimension=place.dimension, radius=1.0, std=0.07,
                         placement=place.placement)  # fmt: skip
        return FromTheTruth(dataset, bandwidth, particles=256, steps=40, seed=5).made(None)

    plane, space = kept(Place.everywhere(2), 0.15), kept(Place.everywhere(32), 0.48)
    for each in plane.values():
        assert each["size"] == pytest.approx(1, abs=0.1)
    assert space["include"]["variance"] < 0.8
    assert space["exclude"]["size"] > 1.2
    assert space["balanced"]["variance"] == pytest.approx(1, abs=0.2)
    assert space["balanced"]["size"] == pytest.approx(1, abs=0.05)


def test_every_claim_has_its_number(finished: Path) -> None:
    """At the dimensions of the small run, in the place of those of the claims."""
    known = set(summary(finished))
    for claim in claims.of("high-dimension"):
        field = re.sub(r"^(self_term|collapse)\.\d+\.", r"\1.8.", claim.field).replace(".0.01.", ".0.05.")
        of_methods = "laplace" in field or field.startswith("images") or field.endswith("multi_scale.good_fewer")
        if not (of_methods or (field.startswith("network") and "multi_scale" in field)):  # not among the small run's
            assert field in known


@pytest.mark.parametrize("dimension", [2, 64])
def test_what_is_judged_sees_a_lost_mode_and_contraction(dimension: int) -> None:
    mixture = GaussianMixture(on_a_sphere(8, dimension, 3.0, dimension, 1), (1.0,) * 8, 0.07)
    n = 800
    reference, x = (mixture.draw(n, stream(0, "floor", k), torch.float64) for k in (100, 101))
    own, floor = judged(x, mixture, reference), floors(mixture, n, 0)
    assert own["found"] == floor["found"] == 8
    assert own["variance"] == pytest.approx(1, abs=6 / math.sqrt(n * dimension))
    assert own["tv"] == pytest.approx(floor["tv"], abs=0.03)
    fewer = GaussianMixture(mixture.means[1:], (1.0,) * 7, 0.07).draw(n, stream(0, "floor", 102), torch.float64)
    lost = judged(fewer, mixture, reference)
    assert lost["found"] == 7
    assert lost["tv"] == pytest.approx(1 / 8, abs=0.04)
    nearest = torch.tensor(mixture.means, dtype=torch.float64)[
        torch.cdist(x, torch.tensor(mixture.means, dtype=torch.float64)).argmin(dim=1)
    ]
    shrunk = judged(nearest + (x - nearest) / 2, mixture, reference)
    assert shrunk["variance"] == pytest.approx(own["variance"] / 4, rel=0.05)
    assert shrunk["found"] == 8
    assert judged(x + 100, mixture, reference)["tv"] == 1
    assert judged(x * math.nan, mixture, reference) == {
        "tv": 1.0, "found": 0.0, "variance": None, "covariance_error": None, "energy": None,
    }  # fmt: skip


def test_the_choice_is_made_on_one_seed_and_judged_on_others(finished: Path) -> None:
    """Of runs that are made up: the rival is behind by what it is, at the factor that was best on the other seed."""
    config = settings(finished, methods=["gaussian_annealed", "gaussian"], seeds=[0, 1, 2], subspace=[])

    def run(annealed: tuple[float, float], fixed: tuple[float, float]) -> dict[str, Any]:
        def tried(tvs: tuple[float, float]) -> list[dict[str, float]]:
            rest = {"found": 4.0, "variance": 1.0, "covariance_error": 0.1, "energy": 0.1, "seconds": 1.0}
            return [{"factor": f, "tv": tv, **rest} for f, tv in zip((0.5, 1.0), tvs, strict=True)]

        outcomes = {"gaussian_annealed": tried(annealed), "gaussian": tried(fixed)}
        return {"outcomes": outcomes, "floors": dict.fromkeys(comparison.OUTCOMES, 0.1)}

    places = (Place(2, "circle"), Place(8, "random"))
    found = {ParticleRun("choosing", place, 1000): run((0.01, 0.5), (0.5, 0.02)) for place in places}
    for seed in (0, 1, 2):
        found |= {
            ParticleRun("judging", place, seed): run((0.05, 0.01), (0.01, 0.05 + 0.01 * (seed + 1))) for place in places
        }
    choices = comparison.chosen(config, found)
    assert choices == {place.name: {"gaussian_annealed": 0.5, "gaussian": 1.0} for place in places}
    high = comparison.comparison(config, choices, found).against["high.gaussian"]
    assert high.tv_behind.value == pytest.approx(0.02)  # a mean of 0.01, 0.02, 0.03; the other choices give −0.04
    assert isinstance(high.tv_behind, Interval)
    expected = stats.ttest_1samp([0.01, 0.02, 0.03], 0).confidence_interval(0.95)
    assert (high.tv_behind.low, high.tv_behind.high) == pytest.approx(tuple(expected))
    assert high.good_fewer is not None
    assert high.good_fewer.value == 0  # below 0.1 all of them
    strict = settings(finished, methods=config.methods, seeds=config.seeds, subspace=[], good=0.055)
    fewer = comparison.comparison(strict, choices, found).against["high.gaussian"].good_fewer
    assert fewer is not None
    assert fewer.value == 1


@pytest.mark.slow
def test_images_are_judged_beside_unseen_ones(tmp_path: Path) -> None:
    """With classes a short training of the digits is recognised; without a step it is not, and it is far from them."""
    of_images = [
        "images.methods=[gaussian_annealed,gaussian]",
        "images.dataset=digits",
        "images.spaces=[pixels]",
        "images.classes=[labelled]",
        "images.factors=[1.0]",
        "images.seeds=[0]",
        "images.batch_size=200",
    ]
    none = ["self_dimensions=[]", "network.methods=[]", "collapse.dimensions=[]"]
    found = []
    for steps in (1, 200):
        folder = tmp_path / str(steps)
        words = [*SMALL, *none, *of_images, f"images.steps={steps}", "generator.widths=[64]", f"hydra.run.dir={folder}"]
        assert main(["high-dimension", *words]) == 0
        found.append(summary(folder))
    for method in ("gaussian_annealed", "gaussian"):
        before, after = (
            {
                key: each[f"images.pixels.labelled.{method}.{key}"]
                for key in ("accuracy", "class_tv", "frechet_over_floor")
            }
            for each in found
        )
        assert before["accuracy"] < 0.5
        assert after["accuracy"] > 0.8
        assert after["class_tv"] < 0.2
        assert before["class_tv"] > 2 * after["class_tv"]  # an untrained network shows few of the classes
        assert after["frechet_over_floor"] < before["frechet_over_floor"]
    assert "images.pixels.labelled.gaussian.frechet_over_first" in found[1]


def test_one_seed_has_no_interval() -> None:
    assert "ci_low" not in comparison.interval([0.3]).spread()
    assert np.isclose(comparison.interval([0.3]).value, 0.3)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("methods=[gaussian]", "methods must name at least two, to be compared, got [gaussian]: add some."),
        (
            "methods=[gaussian,gausian]",
            "each of methods must be one of gaussian_annealed, gaussian, laplace_annealed, laplace, multi_scale, "
            'sinkhorn, got "gausian". Did you mean "gaussian"?',
        ),
        (
            "tuning_seed=1",
            "tuning_seed must not be one of seeds, on which its choices are evaluated, got 1: choose another.",
        ),
        (
            "generator=particles",
            "generator must be mlp, because a start sets its last layer, got particles: leave it out.",
        ),
        ("network.starts=[far]", 'each of network.starts must be one of collapsed, spread, got "far".'),
        ("subspace=[4]", "each of subspace must be from 5 to 1024, got 4."),
        ("sweep=0", "sweep must be above 0 and at most 1, got 0.0."),
        ("dimensions=[8,8]", "dimensions must be different from each other, got [8,8]: leave the repeated one out."),
    ],
)
def test_what_makes_no_sense_is_refused(setting: str, told: str, refusal) -> None:
    assert refusal("high-dimension", setting) == told
