"""The mechanism: what each gradient path does to particles, without any network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from drift_cli.data import Target
from drift_cli.drift import MeanShift
from drift_cli.kernels import Gaussian, Kernel, Laplace, Spectral, Weighted
from drift_cli.studies.numbers import Measured, Table, after, columns
from drift_cli.studies.stop_grad_study import minibatch
from drift_cli.studies.stop_grad_study.minibatch import Losses
from drift_cli.theory import drift_collapse, unstopped
from drift_cli.theory.drift_collapse import Cloud, Growth
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


Setting = tuple[str, str]  # target and kernel


@dataclass(frozen=True)
class Cosine(Measured):
    """Of a normal cloud's step along each path with the drift, by `<width of the cloud>.<paths>`."""

    cosine_width: dict[str, float] = field(metadata=after("_"))


@dataclass(frozen=True)
class Derivatives(Measured):
    """Largest relative errors: of closed-form derivatives from autograd's, of a gradient step from the drift's."""

    derivative_error: float
    euler_step_error: float
    cosines: dict[str, Cosine]
    rows: list[tuple[str, str, float, str, float]]

    def tables(self) -> dict[str, Table]:
        return {"mechanism_cosines": columns(("dataset", "kernel", "width", "paths", "cosine"), self.rows)}


@dataclass(frozen=True)
class Rates(Measured):
    """Rates on the circle, rows (kernel, mode, paths, λ, predicted, at once, along the flow), and their errors.

    Relative to the prediction; `unstopped_rate_query`, whose prediction is nothing, to λ.
    """

    stopped_rate_error: float
    unstopped_rate_error: float
    unstopped_rate_query: float
    rows: list[tuple[str, int, str, float, float, float, float]]

    def tables(self) -> dict[str, Table]:
        names = ("kernel", "mode", "paths", "lambda", "predicted", "instantaneous", "along_flow")
        return {"mechanism_rates": columns(names, self.rows)}


@dataclass(frozen=True)
class Collapsed(Measured):
    """One setting at its collapsed state, by paths: growth rates of spread and centre, and how a cloud went on.

    `collapse_std_ratio` is its last std over the first, `collapse_way` how far its centre came, in bandwidths.
    """

    collapse_spread_rate: dict[str, float]
    collapse_centre_rate: dict[str, float]
    collapse_std_ratio: dict[str, float]
    collapse_way: dict[str, float]


@dataclass(frozen=True)
class Collapse(Measured):
    """Every setting, the largest error of a predicted rate, and the largest rates: the least stable case, by paths.

    `growths` are (measured, predicted), `courses` the clouds that were followed, both by setting and paths.
    """

    collapse_rate_error: float
    collapse_spread_rate: dict[str, float]
    collapse_centre_rate: dict[str, float]
    settings: dict[str, Collapsed]
    growths: dict[Setting, dict[str, tuple[Growth, Growth]]]
    courses: dict[Setting, dict[str, Cloud]]

    def tables(self) -> dict[str, Table]:
        rates = [
            (*setting, paths, what, float(found), float(expected), pair[0].verdict)
            for setting, each in self.growths.items()
            for paths, pair in each.items()
            for what in ("spread", "centre")
            for found, expected in zip(getattr(pair[0], what), getattr(pair[1], what), strict=True)
        ]
        points = [
            (*setting, paths, *map(float, point))
            for setting, each in self.courses.items()
            for paths, course in each.items()
            for point in zip(course.times, course.std, course.way, course.loss, strict=True)
        ]
        return {
            "mechanism_growth": columns(("dataset", "kernel", "paths", "of", "measured", "predicted", "state"), rates),
            "mechanism_cloud": columns(("dataset", "kernel", "paths", "time", "std", "way", "loss"), points),
        }


@dataclass(frozen=True)
class Mechanism(Measured):
    """Everything exact about the four gradient paths, for every target and kernel."""

    derivatives: Derivatives
    rates: Rates
    collapse: Collapse
    losses: Losses


def measure(targets: dict[str, Target], kernels: dict[str, Kernel], seed: int, say: Callable[[str], None]) -> Mechanism:
    """The four parts; `say` receives progress messages."""
    generator = torch.Generator().manual_seed(seed)
    say("particle derivatives against automatic differentiation")
    exact = _derivatives(targets, kernels, generator)
    say("the rate λ² of the loss without stop-gradient")
    rates = _rates()
    say("the collapsed state under each gradient path")
    collapse = _collapse(targets, kernels, generator)
    say("the loss on minibatches: the truth against a collapsed state")
    return Mechanism(exact, rates, collapse, minibatch.losses(targets, kernels, generator))


def _derivatives(targets: dict[str, Target], kernels: dict[str, Kernel], generator: Generator) -> Derivatives:
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
            rows.append((target, name, width, paths, float(cosine)))
    cosines: dict[str, dict[str, float]] = {}
    for target, name, width, paths, value in rows:
        cosines.setdefault(f"{target}.{name}", {})[f"{width:g}.{paths}"] = value
    return Derivatives(max(errors), max(steps), {key: Cosine(each) for key, each in cosines.items()}, rows)


def _euler_error(kernel: Kernel, start: Tensor, data: Tensor) -> float:
    """How far one gradient step of length ½ on Σ|x − sg(x₀ + V)|² from free particles x₀ is from x₀ + V, over |V|."""
    x = start.clone().requires_grad_()
    loss, drift = loss_and_drift(
        "none", x, lambda query, model: MeanShift("include")(kernel, query, data, model, paired=True)
    )
    (gradient,) = torch.autograd.grad(len(x) * loss, x)  # the loss is a mean over the particles
    return float((start - gradient / 2 - (start + drift)).norm() / drift.norm())


def _rates() -> Rates:
    """Every kernel and mode on the circle along every path."""
    rows = []
    for (name, kernel), mode, paths in itertools.product(_CIRCLE.items(), _MODES, PATHS):
        rate = float(kernel.rate(np.array([mode]), 1)[0])
        predicted = float(unstopped.predicted(kernel, np.array([mode]), paths)[0])
        at_once = instantaneous(kernel, _ON_CIRCLE, mode, _AMPLITUDE, paths)
        followed = along_flow(kernel, _ON_CIRCLE, mode, _AMPLITUDE, paths, steps=2)
        rows.append((name, mode, paths, rate, predicted, at_once, followed))
    errors = {
        paths: max(
            abs(found - row[4]) / (row[4] or row[3]) for row in rows if row[2] == paths for found in (row[5], row[6])
        )
        for paths in PATHS
    }
    return Rates(errors["none"], max(errors["samples"], errors["both"]), errors["query"], rows)


def _collapse(targets: dict[str, Target], kernels: dict[str, Kernel], generator: Generator) -> Collapse:
    """Growth rates (measured, predicted) at the collapsed state, and a cloud around it that is followed."""
    growths: dict[Setting, dict[str, tuple[Growth, Growth]]] = {}
    courses: dict[Setting, dict[str, Cloud]] = {}
    errors = []
    for (target, source), (name, kernel) in itertools.product(targets.items(), kernels.items()):
        weighted = cast(Weighted, kernel)
        data = source.sample(_CLOUD_DATA, generator, torch.float64).points
        at = drift_collapse.mode(weighted, data, data[: minibatch.STARTS])
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
    settings = {
        f"{target}.{name}": Collapsed(
            {paths: float(each[0].spread[-1]) for paths, each in growths[target, name].items()},
            {paths: float(each[0].centre[-1]) for paths, each in growths[target, name].items()},
            {paths: float(each.std[-1] / each.std[0]) for paths, each in courses[target, name].items()},
            {paths: float(each.way[-1] / kernels[name].bandwidth) for paths, each in courses[target, name].items()},
        )
        for target, name in growths
    }
    return Collapse(
        max(errors),
        {paths: max(each.collapse_spread_rate[paths] for each in settings.values()) for paths in PATHS},
        {paths: max(each.collapse_centre_rate[paths] for each in settings.values()) for paths in PATHS},
        settings,
        growths,
        courses,
    )
