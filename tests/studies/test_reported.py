"""What is measured beside a digest's numbers: known answers, and wrong ones that must be told apart."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import integrate

from drift_cli.data.checkerboard import Checkerboard
from drift_cli.kernels import Gaussian
from drift_cli.metrics.sliced_wasserstein import sliced_1
from drift_cli.studies.ablate_schedule.reported import figure_2, per_unit_of_time
from drift_cli.studies.stop_grad_study import reported as stop_grad_reported
from drift_cli.studies.units import units
from drift_cli.studies.verify_score import reported as score_reported
from drift_cli.theory import mixture, self_normalised
from drift_cli.theory.theorem62 import gaussian_rate

# Figure 1.


def test_the_error_is_that_of_the_estimators_variance() -> None:
    """At queries with many samples near, the error is Gaussian: its mean is √(π/2) of one coordinate's deviation."""
    p, q, n = mixture.ring(4, 2.0, 0.5), mixture.normal(2), 20_000
    at = {"target": p.means + 0.1}
    found = {}
    generator = torch.Generator().manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_reported, "queries", lambda *_: at)
        found = score_reported.measure(p, q, 3.0, n, 200, generator)
    predicted = self_normalised.predict(p, score_reported.BANDWIDTH, at["target"], n).variance
    expected = float((math.pi / 4 * predicted).sqrt().mean())  # the variance is that of both coordinates together
    # 800 norms of relative deviation one half: three standard errors are 6 %
    assert np.mean(found["target", "target"]) == pytest.approx(expected, rel=0.08)
    assert np.mean(found["target", "both"]) > 1.1 * expected  # sampling the model too is another number


# Figure 2.


def test_the_decay_of_mode_20_is_that_of_an_adaptive_integration() -> None:
    sigma_0, sigma_min = 3.0, math.sqrt(2) / 20
    decays = per_unit_of_time(sigma_0, 1.0)
    curves = {
        "linear": lambda t: sigma_0 + (sigma_min - sigma_0) * t,
        "half": lambda t: sigma_min + (sigma_0 - sigma_min) * (1 + math.cos(math.pi * t)) / 2,
        "quarter": lambda t: sigma_min + (sigma_0 - sigma_min) * math.cos(math.pi * t / 2),
        "exponential": lambda t: sigma_0 * (sigma_min / sigma_0) ** t,
    }
    for name, sigma in curves.items():
        expected, _ = integrate.quad(
            lambda t, sigma=sigma: float(gaussian_rate(np.array(20 * sigma(t)))), 0, 1, limit=500
        )
        assert decays[name][-1] == pytest.approx(expected, rel=1e-7)


def test_the_ratio_to_cosine_does_not_depend_on_the_length_of_the_sweep() -> None:
    found, decays = figure_2().reported, per_unit_of_time(3.0, 1.0)
    horizon = found["fig2.horizon.sigma0_3"]
    left = {name: math.exp(-horizon * each[-1]) for name, each in decays.items()}
    assert left["linear"] / left["exponential"] == pytest.approx(6, rel=1e-12)
    at = found["fig2.cosine.half.sigma0_3.after_1"]
    assert left["half"] / left["exponential"] == pytest.approx(at, rel=1e-12)
    # The half wave lingers at σ_min, so it is less behind than linear; the quarter wave is fastest there, and more so.
    assert at < 6 < found["fig2.cosine.quarter.sigma0_3.after_1"]


# Figure 4.


def tracked(norm: np.ndarray, sw: np.ndarray, floor: float = 0.0) -> SimpleNamespace:
    return SimpleNamespace(
        steps=np.arange(len(norm)), drift_norm=norm, mean_square=norm**4, sw=sw, norm_floor=floor, norm_floor_sd=0.0
    )


def correlations(*runs: SimpleNamespace) -> dict[str, float]:
    found = stop_grad_reported.correlations("case", list(runs))  # type: ignore[arg-type]
    return {key.removeprefix("fig4.correlation.case."): each.value for key, each in found.items()}


def test_each_correlation_is_one_for_its_own_relation_and_not_for_the_others() -> None:
    norm = np.geomspace(1, 0.01, 40)
    found = correlations(tracked(norm, norm**3))
    assert found["whole.spearman"] == pytest.approx(1)
    assert found["whole.log_log"] == pytest.approx(1)
    assert found["whole.log_log.mean_square"] == pytest.approx(1)
    assert found["whole.pearson.mean_square_sw2"] < 1 - 1e-3
    assert correlations(tracked(norm, norm**4))["whole.pearson.mean_square_sw2"] == pytest.approx(1)
    assert correlations(tracked(norm, norm**2))["whole.pearson.mean_square_sw2_squared"] == pytest.approx(1)
    assert found["whole.pearson.norm_sw2"] < 0.95
    assert correlations(tracked(norm, norm[::-1]))["whole.spearman"] == pytest.approx(-1)


def test_before_the_floor_only_what_comes_before_it_counts() -> None:
    norm = np.array([5.0, 4, 3, 2, 1.5, 1, 1, 1, 1, 1])
    sw = np.array([5.0, 4, 3, 2, 1.5, 9, 0.1, 9, 0.1, 9])
    found = correlations(tracked(norm, sw, floor=1.0))
    assert found["before_floor.pearson.norm_sw2"] == pytest.approx(1)
    assert found["whole.pearson.norm_sw2"] < 0.5
    assert not any("before_floor" in key for key in correlations(tracked(norm, sw, floor=4.0)))  # too few points


def test_one_correlation_more_falls_into_its_interval_as_often_as_it_says() -> None:
    """Of 2,000 sets of 5 + 1 correlations whose z is normal; the share has a standard error of 0.5 %."""
    rng, inside = np.random.default_rng(1), 0
    for _ in range(2000):
        *seen, another = np.tanh(rng.normal(1.0, 0.4, 6))
        ends = stop_grad_reported.Correlation(seen).spread()
        inside += ends["next_low"] <= another <= ends["next_high"]
    assert inside / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_distance_of_a_point_from_a_segment() -> None:
    """On a line through both, SW-1 is the mean distance times the mean |cos| of the directions, 2/π."""
    segment = torch.stack([torch.linspace(-1, 1, 2001), torch.zeros(2001)], dim=1)
    found = sliced_1(torch.zeros(2001, 2), segment)
    assert found == pytest.approx(0.5 * 2 / math.pi, rel=0.1)  # 200 directions: their mean |cos| is off by 3 %


def test_a_collapsed_state_has_no_drift_on_its_own_data_alone() -> None:
    target = SimpleNamespace(
        sample=lambda n, generator, dtype: SimpleNamespace(points=Checkerboard(0.05).draw(n, generator, dtype))
    )
    fixed, fresh = stop_grad_reported.collapsed_norms(Gaussian(0.3), target, 256, 0)  # type: ignore[arg-type]
    assert fixed < 1e-6  # what float32 leaves
    assert fresh > 1e-3


def test_units_are_those_of_the_target() -> None:
    points = Checkerboard(0.0).draw(20_000, torch.Generator().manual_seed(0), torch.float64)
    of = units(points)
    assert of["half_width_2"] * float(points.abs().max()) == pytest.approx(2, rel=1e-3)
    assert of["standardised"] == pytest.approx(math.sqrt(3), rel=0.02)  # uniform on [−1, 1] in each coordinate
