from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drift_cli.report import claims
from drift_cli.report.claims import Verdict
from drift_cli.shell.cli import main
from tests.problems.left import assert_drawn, tables

DRAWN = True

SMALL = [
    "kernels=[gaussian,laplace]",
    "modes=12",
    "modes_2d=8",
    "grid=1024",
    "grid_2d=96",
    "steps=20",
    "particles=300",
    "starts=3",
    "follow=10",
    "dimensions=[1,2]",
]
_COURSES = ("gaussian", "laplace_paper", "laplace", "annealed", "annealed_laplace", "linear", "cosine")
_FOLLOWED = ("gaussian", "laplace", "annealed", "linear", "cosine")
_ERRORS = ",".join(["time", "total", *(f"mode_{k}" for k in range(1, 13))])
_RATES = "frequency,rate_exact,rate_paper,rate_measured,standard_error,resolved"
TABLES = {
    "predicted_rates": ("kernel,d,frequency,rate_exact,rate_paper", 2 * 2 * 200),
    **{f"rates_{name}_1d": (_RATES, 12) for name in ("gaussian", "laplace")},
    **{f"rates_{name}_2d": (_RATES, 5) for name in ("gaussian", "laplace")},
    **{f"particles_{name}": ("mode,rate_exact,rate_measured,half_width_95", 12) for name in ("gaussian", "laplace")},
    "convergence_times": (
        ",".join(["mode", *(f"{name}_{how}" for name in _COURSES for how in ("closed_form", "by_integration"))]),
        12,
    ),
    **{f"errors_{name}": (_ERRORS, 201) for name in _COURSES},
    **{f"errors_{name}_nonlinear": (_ERRORS, 41) for name in _FOLLOWED},
    "gaussian_target": ("order,exact,measured,homogeneous_estimate", 16),
    **{f"multiplier_{name}": ("mode,predicted,measured", 12) for name in ("sinkhorn", "smoothed_kl")},
    **{f"stability_{name}": ("step,growth_measured,limit", 9) for name in ("gaussian", "laplace")},
    "tilted_oscillation": ("time,real,phase", 321),
    "tilted_spectrum": ("real,imag,real_of_smoothed_kl", 80),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spectral")
    assert main(["spectral", *SMALL, f"hydra.run.dir={path}"]) == 0
    return path


def test_the_summary_holds_what_it_promises(small: Path) -> None:
    summary = json.loads((small / "summary.json").read_text())
    assert all(isinstance(value, float | int) for value in summary.values())
    assert summary["rate_error_gaussian_1d"] < 1e-6
    assert summary["rate_error_gaussian_2d"] < 1e-3
    assert summary["rate_error_laplace_1d"] < 1e-4
    assert summary["rate_error_laplace_2d"] < 1e-3
    assert summary["rate_error_paper_laplace_1d"] > 0.1  # negative control: the paper's formula
    assert summary["particle_rate_error"] < 1e-3
    assert summary["crossing_error"] < 1e-10
    assert summary["complex_eigenvalue_imag"] > 0.1
    assert summary["complex_eigenvalue_imag_uniform"] < 1e-9  # negative control: no oscillation around a uniform target
    assert summary["gaussian_target_eigenvalue_error"] < 1e-9
    assert summary["multiplier_error_sinkhorn"] < 1e-6
    assert summary["largest_step_error_gaussian"] < 1e-3
    assert summary["followed_error"] < 0.01


def test_claims_are_judged(small: Path) -> None:
    verdicts = {
        v.claim.id: v.verdict for v in claims.judge("spectral", json.loads((small / "summary.json").read_text()))
    }
    assert verdicts["rate-gaussian"] == Verdict.CONFIRMED
    assert verdicts["rate-exponential"] == Verdict.REFUTED
    assert verdicts["rate-exponential-corrected"] == Verdict.CONFIRMED
    assert verdicts["time-laplace-exponent"] == Verdict.REFUTED
    assert Verdict.UNTESTED not in verdicts.values()


def test_every_drawn_curve_is_left_as_numbers(small: Path) -> None:
    summary = json.loads((small / "summary.json").read_text())
    assert_drawn(small / "figures", "predicted_rates", "rates", "convergence_times", "beyond")
    found = tables(small / "data", TABLES)
    for case, bound in (("gaussian_1d", 1e-6), ("gaussian_2d", 1e-3), ("laplace_1d", 1e-4), ("laplace_2d", 1e-3)):
        rates = found[f"rates_{case}"]
        np.testing.assert_allclose(rates["rate_measured"], rates["rate_exact"], rtol=bound)
        assert set(rates["resolved"]) == {"True"}
    for course in _COURSES:
        times, errors = found["convergence_times"], found[f"errors_{course}"]
        np.testing.assert_allclose(times[f"{course}_closed_form"], times[f"{course}_by_integration"], rtol=1e-10)
        assert times[f"{course}_closed_form"].max() == summary[f"slowest_time_{course}"]
        assert (np.diff(errors["total"]) < 0).all()
    for course in _FOLLOWED:
        drawn, solved = found[f"errors_{course}"], found[f"errors_{course}_nonlinear"]
        np.testing.assert_allclose(solved["total"], drawn["total"][::5], rtol=0.01)
    for name in ("sinkhorn", "smoothed_kl"):
        multiplier = found[f"multiplier_{name}"]
        np.testing.assert_allclose(multiplier["measured"], multiplier["predicted"], rtol=1e-6)
    for name, stability in ((name, found[f"stability_{name}"]) for name in ("gaussian", "laplace")):
        grows, long = stability["growth_measured"] > 1, stability["step"] > stability["limit"]
        assert (grows == long).all(), name
    assert np.abs(found["tilted_spectrum"]["imag"]).max() == pytest.approx(summary["complex_eigenvalue_imag"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("bandwidth=0", "bandwidth must be a finite number above 0, got 0.0: give a number above 0."),
        ("bandwidth=-1", "bandwidth must be a finite number above 0, got -1.0: give a number above 0."),
        ("modes=0", "modes must be from 1 to 1000, got 0."),
        (
            "sigma_min=4",
            "sigma_min must be at most sigma0, got 4 above 3: the annealing goes from wide to narrow. Lower "
            "sigma_min or raise sigma0.",
        ),
        ("epsilon=1", "epsilon must be above 0 and below 1, got 1.0: it is the factor that a mode shrinks by."),
        ("epsilon=0", "epsilon must be above 0 and below 1, got 0.0: it is the factor that a mode shrinks by."),
        (
            "grid=100 kernels=[gaussian]",
            "grid is too coarse for 30 modes and bandwidth 0.3: got 100, the smallest sufficient value is 120.",
        ),
        (
            "grid=512",
            "grid is too coarse for the cusp of the exponential kernel at bandwidth 0.3: got 512, the smallest "
            "sufficient value is 668.",
        ),
        (
            "grid_2d=64",
            "grid_2d is too coarse for 30 modes and sigma_min 0.04714: got 64, the smallest sufficient value is 128.",
        ),
        (
            "dimension=1 grid=126 kernels=[gaussian]",
            "grid is too coarse for 30 modes and sigma_min 0.04714: got 126, the smallest sufficient value is 128.",
        ),
        (
            "modes=1000",
            "grid is too coarse for 1000 modes and bandwidth 0.3: got 2048, the smallest sufficient value is 4000.",
        ),
        (
            "horizon=1e-6",
            "horizon is too short for anything to decay with the gaussian kernel of bandwidth 0.3 in 1-D: got 1e-06, "
            "the smallest sufficient value is 0.00137.",
        ),
        ("horizon=0", "horizon must be a finite number above 0, got 0.0: give a number above 0."),
        (
            "bandwidth=80",
            "bandwidth 80 of gaussian is too wide for a torus of period 2π: the kernel reaches beyond 60 periods of "
            "the torus. Make it smaller.",
        ),
        (
            "kernels=[gausian]",
            "each of kernels must be one of gaussian, laplace, matern32, matern52, rational_quadratic, got "
            '"gausian". Did you mean "gaussian"?',
        ),
        ("kernels=[]", "kernels must name at least one value, got an empty list: name one, or leave it out."),
        ("alpha=1", "alpha must be from 1.5 to 1000, got 1.0."),
        (
            "alpha=2",
            "bandwidth 0.3 of rational_quadratic is too wide for a torus of period 2π: the kernel reaches beyond 60 "
            "periods of the torus. Raise alpha or make it smaller.",
        ),
        ("dimensions=[]", "dimensions must name at least one value, got an empty list: name one, or leave it out."),
        ("dimensions=[0]", "each of dimensions must be from 1 to 4096, got 0."),
        ("anneal_rate=0", "anneal_rate must be a finite number above 0, got 0.0: give a number above 0."),
    ],
)
def test_spectral_refuses_in_one_line(settings: str, told: str, refusal) -> None:
    assert refusal("spectral", *settings.split()) == told


@pytest.mark.slow
def test_the_smallest_grid_that_is_named_will_do(tmp_path: Path) -> None:
    words = ["modes=9", "modes_2d=6", "grid=36", "grid_2d=40", "kernels=[gaussian]", "particles=100", "starts=3"]
    assert main(["spectral", *words, "follow=5", "steps=10", f"hydra.run.dir={tmp_path}"]) == 0
    assert json.loads((tmp_path / "summary.json").read_text())["rate_error_gaussian_1d"] < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ["modes=1", "modes_2d=1", "dimensions=[9]"],
        ["dimension=1", "bandwidth=3"],
        ["sigma0=0.5", "sigma_min=0.5"],
        ["anneal_rate=3", "epsilon=0.5"],
    ],
)
def test_settings_at_the_edge(settings: list[str], tmp_path: Path) -> None:
    words = ["kernels=[gaussian]", "particles=60", "starts=3", "follow=3", "steps=10", "modes=6", "modes_2d=4"]
    assert main(["spectral", *words, *settings, f"hydra.run.dir={tmp_path}"]) == 0
    assert json.loads((tmp_path / "summary.json").read_text())["crossing_error"] < 1e-10
