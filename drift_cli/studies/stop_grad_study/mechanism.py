"""The mechanism behind `drift stop-grad-study`: what each gradient path does to particles, without any network."""

from __future__ import annotations

import itertools
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.data import Target
from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Kernel, Laplace, Spectral, Weighted
from drift_cli.studies.stop_grad_study import mechanism_figure as figures
from drift_cli.studies.stop_grad_study import minibatch as stop_grad_minibatch
from drift_cli.studies.study import Study
from drift_cli.theory import drift_collapse, unstopped
from drift_cli.theory.drift_collapse import Course, Growth
from drift_cli.theory.particle_derivatives import PATHS, by_autograd, derivatives
from drift_cli.theory.unstopped import along_flow, instantaneous
from drift_cli.training.loss import loss_and_drift

PARTS = 4
_ATTACHED = PATHS[1:]
_CIRCLE: dict[str, Spectral] = {"gaussian": Gaussian(0.3), "laplace": Laplace(0.3)}  # on a circle of length 2π
_MODES = (1, 3, 5, 8, 12)
_ON_CIRCLE, _AMPLITUDE = 300, 1e-2
_PARTICLES = (16, 24)  # particles and data at which derivatives are compared
_CLOUD, _CLOUD_DATA = 48, 512  # of the collapsed cloud, its data, and its first std in bandwidths
_CLOUD_STD = 0.1
_WIDTHS = (0.1, 0.25, 0.5, 1.0, 2.0)  # of a normal cloud, in standard deviations of the data: cosines with the drift
_SMALL_CLOUD = 6  # particles whose Jacobian is taken
_TIMES = np.linspace(0, 40, 81)


def measure(targets: dict[str, Target], kernels: dict[str, Kernel], seed: int, s: Study) -> None:
    """Everything exact about the four gradient paths, for every target and kernel, and one figure."""
    generator = torch.Generator().manual_seed(seed)
    s.part("particle derivatives against automatic differentiation")
    _derivatives(targets, kernels, generator, s)
    s.part("the rate λ² of the loss without stop-gradient")
    rates = _rates(s)
    s.part("the collapsed state under each gradient path")
    growths, courses = _collapse(targets, kernels, generator, s)
    s.part("the loss on minibatches: the truth against a collapsed state")
    losses = stop_grad_minibatch.losses(targets, kernels, generator, s)
    first, kernel = next(iter(growths)), next(iter(kernels))
    shown = {target: losses[target, kernel, 1.0] for target in targets}
    sizes, folder = np.array(stop_grad_minibatch.SIZES), s.path / "figures"
    s.figures.append(
        figures.mechanism(rates, growths[first], courses[first], shown, sizes, ", ".join(first), kernel, folder)
    )


def _derivatives(targets: dict[str, Target], kernels: dict[str, Kernel], generator: Generator, s: Study) -> None:
    """Closed-form derivatives against autograd, the Euler step of Theorem 5.6(i), and the cosines with the drift."""
    errors, steps = [], []
    rows: list[tuple[str, str, float, str, float]] = []
    for (target, source), (name, kernel) in itertools.product(targets.items(), kernels.items()):
        n, m = _PARTICLES
        data = source.sample(m, generator, torch.float64).points
        x = source.sample(n, generator, torch.float64).points
        exact = derivatives(cast(Weighted, kernel), x, data)
        for paths in _ATTACHED:
            found = by_autograd(kernel, x, data, paths)
            errors.append(float((exact.through(paths) - found).norm() / found.norm()))
        steps.append(_euler_error(kernel, x, data))
        data = source.sample(_CLOUD_DATA // 2, generator, torch.float64).points
        noise = data.std() * torch.randn(data.shape, generator=generator, dtype=torch.float64)
        for width, paths in itertools.product(_WIDTHS, _ATTACHED):
            exact = derivatives(cast(Weighted, kernel), data.mean(dim=0) + width * noise, data)
            cosine = torch.cosine_similarity(exact.descent(paths).flatten(), exact.drift.flatten(), dim=0)
            s.summary[f"{target}.{name}.cosine_width_{width:g}.{paths}"] = float(cosine)
            rows.append((target, name, width, paths, float(cosine)))
    s.summary["derivative_error"] = max(errors)
    s.summary["euler_step_error"] = max(steps)
    s.rows("mechanism_cosines", ("dataset", "kernel", "width", "paths", "cosine"), rows)


def _euler_error(kernel: Kernel, start: Tensor, data: Tensor) -> float:
    """How far one gradient step of length ½ on Σ|x − sg(x₀ + V)|² from free particles x₀ is from x₀ + V, over |V|."""
    x = start.clone().requires_grad_()
    loss, drift = loss_and_drift(
        "none", x, lambda query, model: MeanShift("include")(kernel, query, data, model, paired=True)
    )
    (gradient,) = torch.autograd.grad(len(x) * loss, x)  # the loss is a mean over the particles
    return float((start - gradient / 2 - (start + drift)).norm() / drift.norm())


def _rates(s: Study) -> list[tuple[str, int, str, float, float, float, float]]:
    """Rows (kernel, mode, paths, λ, predicted, at once, along the flow) on the circle, and their largest errors."""
    rows = []
    for (name, kernel), mode, paths in itertools.product(_CIRCLE.items(), _MODES, PATHS):
        rate = float(kernel.rate(np.array([mode]), 1)[0])
        predicted = float(unstopped.predicted(kernel, np.array([mode]), paths)[0])
        at_once = instantaneous(kernel, _ON_CIRCLE, mode, _AMPLITUDE, paths)
        followed = along_flow(kernel, _ON_CIRCLE, mode, _AMPLITUDE, paths, steps=2)
        rows.append((name, mode, paths, rate, predicted, at_once, followed))
    columns = ("kernel", "mode", "paths", "lambda", "predicted", "instantaneous", "along_flow")
    s.rows("mechanism_rates", columns, rows)
    errors = {
        paths: max(
            abs(found - row[4]) / (row[4] or row[3]) for row in rows if row[2] == paths for found in (row[5], row[6])
        )
        for paths in PATHS
    }
    s.summary["stopped_rate_error"] = errors["none"]
    s.summary["unstopped_rate_error"] = max(errors["samples"], errors["both"])
    s.summary["unstopped_rate_query"] = errors["query"]
    return rows


_Setting = tuple[str, str]


def _collapse(
    targets: dict[str, Target], kernels: dict[str, Kernel], generator: Generator, s: Study
) -> tuple[dict[_Setting, dict[str, tuple[Growth, Growth]]], dict[_Setting, dict[str, Course]]]:
    """Growth rates (measured, predicted) at the collapsed state, and a cloud around it that is followed."""
    growths: dict[_Setting, dict[str, tuple[Growth, Growth]]] = {}
    courses: dict[_Setting, dict[str, Course]] = {}
    errors = []
    for (target, source), (name, kernel) in itertools.product(targets.items(), kernels.items()):
        weighted = cast(Weighted, kernel)
        data = source.sample(_CLOUD_DATA, generator, torch.float64).points
        at = drift_collapse.mode(weighted, data, data[: stop_grad_minibatch.STARTS])
        noise = torch.randn(_CLOUD, len(at.place), generator=generator, dtype=torch.float64)
        start = at.place + _CLOUD_STD * kernel.bandwidth * noise
        growths[target, name], courses[target, name] = {}, {}
        for paths in PATHS:
            found, eigenvalues = drift_collapse.measured(weighted, at, data, _SMALL_CLOUD, paths)
            expected = drift_collapse.predicted(at.slope, paths)
            scale = np.abs(expected.eigenvalues(_SMALL_CLOUD)).max()
            errors.append(float(np.abs(eigenvalues - expected.eigenvalues(_SMALL_CLOUD)).max() / scale))
            course = drift_collapse.follow(weighted, at, data, start, _TIMES, paths)
            growths[target, name][paths], courses[target, name][paths] = (found, expected), course
            key = f"{target}.{name}"
            s.summary[f"{key}.collapse_spread_rate.{paths}"] = float(found.spread[-1])
            s.summary[f"{key}.collapse_centre_rate.{paths}"] = float(found.centre[-1])
            s.summary[f"{key}.collapse_std_ratio.{paths}"] = float(course.std[-1] / course.std[0])
            s.summary[f"{key}.collapse_way.{paths}"] = float(course.way[-1] / kernel.bandwidth)
    s.summary["collapse_rate_error"] = max(errors)
    for paths in PATHS:  # the largest rate over the settings: the least stable case
        s.summary[f"collapse_spread_rate.{paths}"] = max(float(each[paths][0].spread[-1]) for each in growths.values())
        s.summary[f"collapse_centre_rate.{paths}"] = max(float(each[paths][0].centre[-1]) for each in growths.values())
    _collapse_curves(growths, courses, s)
    return growths, courses


def _collapse_curves(
    growths: dict[_Setting, dict[str, tuple[Growth, Growth]]], courses: dict[_Setting, dict[str, Course]], s: Study
) -> None:
    rates = [
        (*setting, paths, what, float(found), float(expected), pair[0].verdict)
        for setting, each in growths.items()
        for paths, pair in each.items()
        for what in ("spread", "centre")
        for found, expected in zip(getattr(pair[0], what), getattr(pair[1], what), strict=True)
    ]
    s.rows("mechanism_growth", ("dataset", "kernel", "paths", "of", "measured", "predicted", "state"), rates)
    points = [
        (*setting, paths, *map(float, point))
        for setting, each in courses.items()
        for paths, course in each.items()
        for point in zip(course.times, course.std, course.way, course.loss, strict=True)
    ]
    s.rows("mechanism_cloud", ("dataset", "kernel", "paths", "time", "std", "way", "loss"), points)
