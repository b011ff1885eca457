"""Runs that differ only in the drift operator, as particles or as a generator, from the same starts."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drift_cli.config.objects import Settings, chosen
from drift_cli.data import target_of
from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.errors import RunFailed, UserError
from drift_cli.files import read_json
from drift_cli.generator import Particles
from drift_cli.metrics.modes import total_variation
from drift_cli.studies import training
from drift_cli.studies.compare_operators.settings import CompareOperatorsConfig, OperatorConfig
from drift_cli.studies.training import plain
from drift_cli.training import step as steps
from drift_cli.training.evaluation import comparable_points, distance, generate
from drift_cli.training.settings import EvaluationConfig, TrainConfig
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.sittings import Seen, Sitting
from drift_cli.training.streams import stream

_SHOWN = 400  # samples kept for the gallery
_TIGHT = 0.05  # spread of a cloud in one place, in units of the target's
_FAR = 4.0  # distance of the far start from the target's mean, in the same units
_MOVER = 0.2  # bandwidth of what trains a generator onto its start: a third of the way between modes


@dataclass(frozen=True)
class OperatorRun:
    """What one run differs in from the others; `eta` where it is a trial of a step size, over all starts."""

    form: str
    operator: str
    start: str
    seed: int
    eta: float | None = None

    @property
    def name(self) -> str:
        parts = (self.form, self.operator, self.start, self.seed, *([] if self.eta is None else [f"{self.eta:g}"]))
        return "_".join(map(str, parts))


def target_modes(dataset: Settings) -> GaussianMixture | None:
    """The mixture whose weights can be recovered, where the target is one."""
    source = getattr(target_of(dataset.made()), "source", None)
    return source if isinstance(source, GaussianMixture) else None


def start_distribution(start: str, dataset: Settings) -> Settings | None:
    """Where the samples begin; None for the generator's own initialisation.

    standard: a Gaussian of the target's mean and spread. far: a tight cloud four spreads away along the first axis.
    collapsed: a tight cloud on the heaviest mode (on a point of the data where there are no modes). missing_mode: the
    target without its second heaviest mode. imbalanced: the modes with their weights the other way round.
    """
    points = target_of(dataset.made()).sample(4096, stream(0, "initial"), torch.float64).points
    mean = points.mean(dim=0)
    spread = float((points - mean).square().sum(dim=1).mean().sqrt())
    mixture = target_modes(dataset)
    match start:
        case "own":
            return None
        case "standard":
            return _cloud(mean, spread / math.sqrt(len(mean)))
        case "far":
            away = torch.zeros_like(mean)
            away[0] = _FAR * spread
            return _cloud(mean + away, _TIGHT * spread)
        case "collapsed":
            heaviest = points[0] if mixture is None else torch.tensor(mixture.means[int(np.argmax(mixture.weights))])
            return _cloud(heaviest, _TIGHT * spread)
    assert mixture is not None
    order = np.argsort(mixture.weights)[::-1].tolist()  # from the heaviest mode to the lightest
    if start == "missing_mode":
        kept = [m for m in range(len(order)) if m != order[1]]
        return _mixture([mixture.means[m] for m in kept], [mixture.weights[m] for m in kept], mixture.std)
    assert start == "imbalanced"
    weights = dict(zip(order, [mixture.weights[m] for m in reversed(order)], strict=True))
    return _mixture(list(mixture.means), [weights[m] for m in range(len(order))], mixture.std)


def _cloud(centre: torch.Tensor, std: float) -> Settings:
    return _mixture([tuple(centre.tolist())], [1.0], std)


def _mixture(means: list[tuple[float, ...]], weights: list[float], std: float) -> Settings:
    shape = {"modes": len(means), "dimension": len(means[0]), "radius": 0.0}
    places = [list(mean) for mean in means]
    return chosen("dataset", "gaussian_mixture", **shape, std=std, weights=weights, means=places)


@dataclass(frozen=True)
class Moved:
    """A run of one operator: `begins` is where its particles start, `weights` the file of a generator that is there."""

    settings: TrainConfig
    track: int
    begins: Settings | None = None
    weights: Path | None = None

    def asked(self) -> dict[str, Any]:
        begun = read_json(self.weights)["asked"] if self.weights else None
        return {"train": plain(self.settings), "track": self.track, "begins": plain(self.begins), "weights": begun}

    def made(self, unfinished: Path) -> dict[str, Any]:
        return _run(self, unfinished)


@dataclass(frozen=True)
class Started:
    """A generator that is trained onto a start."""

    settings: TrainConfig

    def asked(self) -> dict[str, Any]:
        return {"train": plain(self.settings)}

    def made(self, unfinished: Path) -> dict[str, Any]:
        setup = assemble(self.settings)
        training.train(setup)
        reached = distance(setup, self.settings.evaluation.points, self.settings.evaluation.draws, "final")
        if not math.isfinite(reached.value):
            raise RunFailed("The training of a start was not finite: lower optimizer.lr.")
        weights = {name: tensor.tolist() for name, tensor in setup.model.state_dict().items()}
        return {"sw": reached.value, "sw_floor": reached.floor, "weights": weights}


@dataclass(frozen=True)
class Tried:
    """One step size of one operator on every start."""

    runs: dict[str, Moved]

    def asked(self) -> dict[str, Any]:
        return {start: run.asked() for start, run in self.runs.items()}

    def made(self, unfinished: Path) -> dict[str, Any]:
        """SW-2 over its floor at the end of each start's run; null where it was not finite."""
        found = {start: run.made(unfinished / start) for start, run in self.runs.items()}
        return {"ratios": {start: None if f["diverged"] else f["final"] / f["sw_floor"] for start, f in found.items()}}


def particle_run(config: CompareOperatorsConfig, operator: OperatorConfig, start: str, seed: int, eta: float) -> Moved:
    """x ← x + ηV: plain gradient descent on the particles' own loss, at learning rate η."""
    euler = chosen("optimizer", "sgd", lr=eta, lr_schedule="constant", warmup=0, momentum=0.0)
    particles = chosen("generator", "particles", count=config.particles, init="gaussian")
    settings = _settings(config, operator, seed, config.particle_steps, config.particles, particles, euler)
    return Moved(settings, config.track, begins=start_distribution(start, config.dataset))


def generator_run(config: CompareOperatorsConfig, operator: OperatorConfig, seed: int, weights: Path | None) -> Moved:
    settings = _settings(config, operator, seed, config.steps, config.batch_size, config.generator, config.optimizer)
    return Moved(settings, config.track, weights=weights)


def start_run(config: CompareOperatorsConfig, start: str, seed: int) -> Started:
    begins = start_distribution(start, config.dataset)
    assert begins is not None
    drift, kernel = chosen("drift", "mean_shift", self_term="exclude"), chosen("kernel", "laplace", bandwidth=_MOVER)
    mover = OperatorConfig(drift=drift, kernel=kernel)
    settings = _settings(config, mover, seed, config.start_steps, config.batch_size, config.generator, config.optimizer)
    return Started(replace(settings, dataset=begins))


def _settings(
    config: CompareOperatorsConfig,
    operator: OperatorConfig,
    seed: int,
    number: int,
    batch_size: int,
    generator: Settings,
    optimizer: Settings,
) -> TrainConfig:
    return training.settings(
        dataset=config.dataset,
        kernel=operator.kernel,
        drift=operator.drift,
        generator=generator,
        optimizer=optimizer,
        evaluation=EvaluationConfig(
            every=number, points=config.points, projections=config.projections, draws=config.draws
        ),
        batch_size=batch_size,
        steps=number,
        seed=seed,
    )


def check(config: CompareOperatorsConfig) -> None:
    """Raise `UserError` for what cannot be compared, before any work."""
    target = target_of(config.dataset.made())
    if target.space.dimension != 2 or target.space.image:
        raise UserError(f"The gallery shows points of the plane, and dataset={config.dataset.name} has "
                        f"{target.space.dimension} columns: choose one with two.")  # fmt: skip
    for label, operator in config.compared().items():
        try:
            assemble(generator_run(config, operator, config.seeds[0], None).settings)
        except UserError as error:
            raise UserError(f"operators.{label}: {error}") from error


def built(run: Moved) -> Setup:
    """The setup of this run with its samples where it starts."""
    setup = assemble(run.settings)
    if run.begins is not None:
        assert isinstance(setup.model, Particles)
        count = len(setup.model.positions)
        begun = target_of(run.begins.made()).sample(count, setup.stream("initial", 1), torch.float32).points
        with torch.no_grad():
            setup.model.positions.copy_(begun)
    if run.weights is not None:
        kept = read_json(run.weights)["weights"]
        setup.model.load_state_dict({name: torch.tensor(values) for name, values in kept.items()})
    return setup


def _run(run: Moved, unfinished: Path) -> dict[str, Any]:
    """One run to its end, or to the first step that is not finite; `seconds` of one core, without the evaluation."""
    sitting = Sitting(lambda: built(run), unfinished, run.asked())
    settings, setup = run.settings, sitting.setup
    advance = steps.build(setup)
    marks = training.marks(settings.steps, run.track)
    names = ("steps", "seconds", "sw", "floor", "marginal_error", "iterations")
    curve: dict[str, list[float]] = sitting.seen.numbers.get("curve") or {name: [] for name in names}
    seconds, diverged = sitting.seen.numbers.get("seconds", 0.0), None

    def look(step: int) -> None:
        told = {} if setup.tally is None else setup.tally.report()
        measured = distance(setup, settings.evaluation.points, 1, "evaluation", step)
        iterations = told.get("sinkhorn_iterations", 0.0) + told.get("sinkhorn_self_iterations", 0.0)
        row = (step, seconds, measured.value, measured.floor, told.get("marginal_error", 0.0), iterations)
        for column, value in zip(curve.values(), row, strict=True):
            column.append(value)

    if sitting.step == 0:
        look(0)
    for step in range(sitting.step + 1, settings.steps + 1):
        began = time.process_time()
        try:
            taken = advance(step - 1)
        except RunFailed:  # a discrepancy that is no longer finite
            diverged = step
            break
        seconds += time.process_time() - began
        if not bool(torch.isfinite(taken.loss)) or not bool(torch.isfinite(taken.x).all()):
            diverged = step
            break
        if step in marks:
            look(step)
        if sitting.due:
            sitting.keep(step, Seen({"curve": curve, "seconds": seconds}))
    found: dict[str, Any] = {**curve, "diverged": diverged, "eta": settings.optimizer.lr}
    if diverged is not None or not math.isfinite(curve["sw"][-1]):
        return found | {"diverged": diverged or settings.steps}
    final = distance(setup, settings.evaluation.points, settings.evaluation.draws, "final")
    samples = generate(setup, comparable_points(setup, settings.evaluation.points), setup.stream("sample", 0))
    found |= {"samples": samples[:_SHOWN].tolist(), "final": final.value, "sw_floor": final.floor}
    if (mixture := target_modes(settings.dataset)) is not None:
        found |= {"mode_error": total_variation(samples, mixture)}
        found |= {"mode_error_floor": mode_error_floor(mixture, len(samples), settings.evaluation.draws, settings.seed)}
    return found


def mode_error_floor(mixture: GaussianMixture, n: int, draws: int, seed: int) -> float:
    """The mean error of samples of the target itself, as many as are judged."""
    errors = [total_variation(mixture.draw(n, stream(seed, "floor", d), torch.float64), mixture) for d in range(draws)]
    return float(np.mean(errors))
