"""`drift design-kernel` at a small size, and the theory of its noise against what it is made of."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from drift_cli.kernels import Gaussian, Laplace
from drift_cli.shell.cli import main
from drift_cli.theory import annealing
from drift_cli.theory.empirical_rates import after, best_design, best_step, effective_samples, floor

SMALL = [
    "modes=[5]",
    "dimensions=[2]",
    "step_modes=[10]",
    "noise_samples=[1024]",
    "draws=20",
    "batches=[256]",
    "given_modes=10",
    "made_repeats=1",
]


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
    assert {place.stem for place in (folder / "figures").glob("*.png")} == {"times", "rates", "given"}
    assert (folder / "data/times.csv").read_text().startswith("modes,d,family")


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
