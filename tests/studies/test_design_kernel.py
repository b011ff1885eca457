"""`drift design-kernel` at a small size, and the theory of its noise against what it is made of."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.data.nested import Nested
from drift_cli.kernels import Gaussian, Laplace
from drift_cli.shell.cli import main
from drift_cli.studies.design_kernel import capture, trained
from drift_cli.studies.design_kernel.methods import PERIOD, bandwidths
from drift_cli.studies.design_kernel.settings import CaptureConfig
from drift_cli.theory import annealing
from drift_cli.theory.empirical_rates import after, best_design, best_step, effective_samples, floor
from tests.problems.left import assert_drawn, tables

DRAWN = True

SMALL = [
    "modes=[5]",
    "dimensions=[2]",
    "step_modes=[10]",
    "noise_samples=[1024]",
    "draws=20",
    "batches=[256]",
    "given_modes=10",
    "made_repeats=1",
    "capture.distances=[1.0]",
    "capture.horizon=1",
    "capture.particles=64",
    "capture.steps=3",
    "capture.seeds=[0,1]",
    "trained.targets=[swiss_roll,nested,mixture_8]",
    "trained.methods=[laplace,optimal,annealing]",
    "trained.factors=[0.5,1.0]",
    "trained.seeds=[0,1]",
    "trained.batch_size=32",
    "trained.steps=3",
    "trained.samples=100",
    "generator.widths=[16]",
    "jobs=1",
]
_FAMILIES = "gaussian,laplace,matern32,matern52,three_drifts,three_kernels,critical,log_uniform,optimal,level"
TABLES = {
    "times": ("modes,d,family,bandwidth,time,over_bound", 10),
    "steps": ("case,eta_limit,eta_best,steps,steps_measured,steps_at_one", 5),
    "given": (f"case,error,eta,tilt,effective_samples,{_FAMILIES}", 2),
    "capture": ("family,bandwidth,lost_range,collapsed,far,1", 6),
    "captured": ("case,tv,energy", 7 * 3),
    "trained": ("target,kernel,factor,seed,distance,floor,other,other_floor,seconds", 3 * 3 * 4),
}


pytestmark = pytest.mark.usefixtures("few_for_the_bandwidth")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("design-kernel")
    assert main(["design-kernel", *SMALL, f"hydra.run.dir={path}"]) == 0
    return path


def test_what_the_theory_says_is_measured(folder: Path) -> None:
    found = json.loads((folder / "summary.json").read_text())
    assert all(math.isfinite(value) for value in found.values())
    assert found["budget_error"] < 1e-3  # the cusp of the exponential kernel on the circle
    assert found["time_over_bound_least"] >= 1
    assert found["dual_sum_largest"] <= 1
    assert found["level_measured_error"] < 1e-3
    assert found["level_of_another_dimension"] > 2  # the control
    assert found["steps_error"] < 0.1
    assert found["growth_error"] < 1e-2
    assert_drawn(folder / "figures", "times", "rates", "given", "capture", "trained")
    tabled = tables(folder / "data", TABLES)
    assert tabled["times"]["over_bound"].min() == found["time_over_bound_least"]
    assert (tabled["steps"]["steps"] == tabled["steps"]["steps_measured"]).all()
    assert (tabled["steps"]["steps"] < tabled["steps"]["steps_at_one"]).all()
    assert all((tabled["given"][family] >= 1 - 1e-2).all() for family in _FAMILIES.split(","))  # the grid of widths
    assert tabled["given"]["laplace"][1] == found["laplace_over_best"]
    for case, tv in zip(tabled["captured"]["case"], tabled["captured"]["tv"], strict=True):
        assert 0 <= tv == found[f"{case}.tv"] <= 1
    assert (tabled["capture"]["bandwidth"] > 0).all()


def test_every_kernel_has_as_many_runs(folder: Path) -> None:
    runs = tables(folder / "data", TABLES)["trained"]
    targets, methods = runs["target"], runs["kernel"]
    counts = Counter(zip(targets.tolist(), methods.tolist(), strict=True))
    assert set(counts.values()) == {4}  # two factors on the seed for choosing, two seeds for judging
    found = json.loads((folder / "summary.json").read_text())
    for target, kernel in counts:
        tried = np.flatnonzero((targets == target) & (methods == kernel) & (runs["seed"] == 1000))
        best = tried[runs["distance"][tried].argmin()]
        assert found[f"trained.{target}.{kernel}.factor"] == runs["factor"][best]
    assert "trained.swiss_roll.optimal.over_laplace.ci_low" in found
    assert found["behind.lost.ci_low"] <= found["behind.lost"] <= found["behind.lost.ci_high"]


def test_a_lost_mode_comes_back_by_the_tail_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer the tail at the same frequencies the sooner, and a mode twice as far away takes longer."""
    monkeypatch.setattr(capture, "_STEP", 0.2)
    config = CaptureConfig(modes=10, distances=[1.0], horizon=45.0, particles=8, steps=1, seeds=[0])
    times = {
        (name, r): capture._time_to_shares(
            config, capture._mover(config, name, bandwidths(10, 1, PERIOD)[name], 1), [0.0, r], 0.1
        )
        for name, r in (("gaussian", 1.0), ("laplace", 1.0), ("laplace", 1.5), ("optimal", 1.0), ("optimal", 1.5))
    }
    assert times["laplace", 1.0] is not None
    assert times["laplace", 1.0] < times["gaussian", 1.0]  # type: ignore[operator]
    assert times["laplace", 1.5] is None  # in forty-five units of time; the control
    assert times["optimal", 1.0] < times["optimal", 1.5]  # type: ignore[operator]


def test_shares_of_nested_clusters(rng: torch.Generator) -> None:
    data = Nested(5, 0.333, 0.002)
    points = data.draw(100_000, rng, torch.float64)
    even = trained._shares(points, data)
    assert even.sum() == pytest.approx(1)
    assert float((even - 1 / 256).abs().max()) < 5 * math.sqrt(1 / 256 / 100_000)  # five standard deviations
    half = trained._shares(points[points[:, 0] > 0], data)
    assert float((half - even).abs().sum() / 2) == pytest.approx(0.5, abs=0.02)  # the control


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            "trained.methods=[gaussian,optimal]",
            "trained.methods must name laplace, which the others are compared with, got [gaussian,optimal]: add it.",
        ),
        ("trained.seeds=[0]", "trained.seeds must be two or more, for an interval, got [0]: add some."),
        (
            "trained.tuning_seed=0",
            "trained.tuning_seed must not be one of trained.seeds, on which its choices are evaluated, got 0: choose "
            "another.",
        ),
        (
            "trained.targets=[moons]",
            "each of trained.targets must be one of swiss_roll, checkerboard, grid, nested, mixture_8, mixture_32, "
            'mixture_128, mnist5k, got "moons".',
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(override: str, told: str, refusal) -> None:
    assert refusal("design-kernel", override) == told


def test_effective_samples_of_a_gaussian_are_its_closed_form() -> None:
    for d in (1, 2, 5):
        expected = 1000 * (4 * math.pi * 0.3**2) ** (d / 2) / (2 * math.pi) ** d
        assert effective_samples(Gaussian(0.3), 1000, d) == pytest.approx(expected, rel=1e-5)  # of the quadrature
    assert effective_samples(Laplace(0.3), 1000, 2) > effective_samples(Gaussian(0.15), 1000, 2)


def test_a_mode_settles_where_its_recursion_does(rng: torch.Generator) -> None:
    moved, c, steps = np.array([0.1, 0.7, 1.5]), 0.01, 400
    noise = torch.randn(steps, 4000, 3, generator=rng, dtype=torch.float64).numpy() * math.sqrt(c)
    x, early = np.ones((4000, 3)), None
    for step in range(steps):
        x = x + moved * (noise[step] - x)
        early = x.copy() if step == 4 else early
    np.testing.assert_allclose((x**2).mean(axis=0), floor(moved, c), rtol=0.1)  # 4,000 squares: 2 %
    assert early is not None
    np.testing.assert_allclose((early**2).mean(axis=0), after(moved, np.ones(3), c, 5), rtol=0.1)


def test_no_kernel_beats_the_best_mixture_and_many_samples_make_it_level() -> None:
    k = np.arange(1.0, 31)
    count, energy, widths = np.ones(30), 0.01 * k**-2, np.geomspace(0.01, 4.0, 40)
    tilts = []
    for n in (100, 10_000, 10_000_000):
        best = best_design(k, count, energy, 2 / n, 50, widths)
        for shape in (Gaussian(1.0), Laplace(1.0)):  # a Laplace kernel is a mixture of Gaussians of all widths
            for scale in np.geomspace(0.02, 3, 12):
                rate = annealing.rate_of(shape.scaled(scale))
                error = best_step(rate, k, count, energy, 2 / n, 50)[1]
                assert error >= best.error * (1 - 1e-2)  # the grid of widths
        found = best.kernel(1).rate(k, 1)
        tilts.append(found[0] / found[-1])
    assert tilts == sorted(tilts, reverse=True)
    assert tilts[0] > 10
    assert tilts[-1] < 4
