"""Training runs that differ in `gradient_paths`, tracked from the first step; finished ones are kept in the folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drift_cli.config.objects import Settings, chosen
from drift_cli.errors import RunFailed
from drift_cli.metrics.coverage import reach, uncovered
from drift_cli.metrics.spread import spread
from drift_cli.studies import training as runs
from drift_cli.studies.stop_grad_study.landscape import Landscape, flat, landscape
from drift_cli.studies.stop_grad_study.settings import StopGradStudyConfig
from drift_cli.training import step as steps
from drift_cli.training.evaluation import distance, drift_norms, generate
from drift_cli.training.settings import EvaluationConfig, TrainConfig
from drift_cli.training.setup import Setup, assemble
from drift_cli.training.sittings import Seen, Sitting

DATASETS: dict[str, Settings] = {
    "swiss_roll": chosen("dataset", "swiss_roll", noise=0.03),
    "checkerboard": chosen("dataset", "checkerboard", noise=0.05),
}
LAST = 100  # steps over which the loss is averaged at the end
_GRADIENTS = 250  # at most, of which the principal plane is made
_SHOWN = 1500  # samples kept for the gallery


@dataclass(frozen=True)
class PathsRun:
    """What one training differs in."""

    dataset: str
    kernel: str
    bandwidth: float
    batch_size: int
    paths: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.dataset}_{self.kernel}_{self.bandwidth:g}_{self.batch_size}_{self.paths}_{self.seed}"


@dataclass(frozen=True)
class Training:
    """A training by its settings, how many points of it are tracked, and the side of its landscape (0: none)."""

    settings: TrainConfig
    track: int
    plane: int

    def asked(self) -> dict[str, Any]:
        return {"train": runs.plain(self.settings), "track": self.track, "plane": self.plane}

    def made(self, unfinished: Path) -> dict[str, Any]:
        return _trained(self, unfinished)


@dataclass(frozen=True)
class Tracked:
    """One run: curves at `steps`, of the drift norm and SW-2 and what the samples look like; then its end.

    `drift_norm` is the mean |V| of fresh samples against fresh data, `norm_floor` the same at q = p and `norm_floor_sd`
    its deviation over draws; `mean_square` is the mean |V|² of the step's own batch, which is the loss; `spread` is
    relative to the target's; `diverged` the step at which a loss was not finite.
    """

    steps: np.ndarray
    drift_norm: np.ndarray
    mean_square: np.ndarray
    sw: np.ndarray
    spread: np.ndarray
    uncovered: np.ndarray
    norm_floor: float
    norm_floor_sd: float
    sw_floor: float
    final_sw: float
    first_loss: float
    loss: float
    samples: np.ndarray
    data: np.ndarray
    plane: Landscape | None
    diverged: int | None

    @property
    def collapsed(self) -> bool:
        """Whether the samples ended on a point, a line or a part: more than half of the target has none nearby."""
        return bool(self.uncovered[-1] > 0.5)


def planned(config: StopGradStudyConfig) -> dict[PathsRun, Training]:
    """Every run: all paths at the study's own bandwidth and batch, then the pairs. Only the first have landscapes."""
    plan: dict[PathsRun, Training] = {}
    for dataset in config.datasets:
        for kernel in config.kernels:
            for seed in config.seeds:
                for paths in config.paths:
                    case = PathsRun(dataset, kernel, config.bandwidth, config.batch_size, paths, seed)
                    plan[case] = _job(config, case, config.plane if seed == config.seeds[0] else 0)
            for case in (*pairs(config, dataset, kernel, "none"), *pairs(config, dataset, kernel, "samples")):
                plan.setdefault(case, _job(config, case, 0))
    return plan


def pairs(config: StopGradStudyConfig, dataset: str, kernel: str, paths: str) -> list[PathsRun]:
    """One half of the pairs: the runs of `paths` at every bandwidth, batch size and seed of them."""
    return [
        PathsRun(dataset, kernel, bandwidth, batch_size, paths, seed)
        for bandwidth in config.pairs.bandwidths
        for batch_size in config.pairs.batch_sizes
        for seed in config.pairs.seeds
    ]


def _job(config: StopGradStudyConfig, case: PathsRun, plane: int) -> Training:
    settings = runs.settings(
        dataset=DATASETS[case.dataset],
        kernel=chosen("kernel", case.kernel, bandwidth=case.bandwidth),
        drift=config.drift,
        generator=config.generator,
        optimizer=config.optimizer,
        evaluation=EvaluationConfig(
            every=config.steps, points=config.points, projections=config.projections, draws=config.draws
        ),
        batch_size=case.batch_size,
        steps=config.steps,
        seed=case.seed,
        device=config.device,
        gradient_paths=case.paths,
    )
    return Training(settings, config.track, plane)


def _trained(job: Training, unfinished: Path) -> dict[str, Any]:
    """One run from its first step to its last, or to the first loss that is not finite, as plain numbers."""
    settings = job.settings
    sitting = Sitting(lambda: assemble(settings), unfinished, job.asked())
    setup, seen = sitting.setup, sitting.seen
    advance = steps.build(setup)
    tracker = _Tracker(setup, seen.numbers)
    marks = runs.marks(settings.steps, job.track)
    stride = -(-settings.steps // _GRADIENTS)
    parameters = list(setup.model.parameters())
    weights, gradients, losses = (list(seen.tensors.get(name, ())) for name in ("weights", "gradients", "losses"))
    weights = weights or [flat(parameters)]
    diverged = None
    for step in range(sitting.step + 1, settings.steps + 1):
        taken = advance(step - 1)
        losses.append(taken.loss)
        if step in marks or step % LAST == 0:
            samples = tracker.samples()
            if not all(bool(torch.isfinite(tensor).all()) for tensor in (taken.loss, samples, *parameters)):
                diverged = step
                _restore(parameters, weights[-1])
                break
        if step in marks:
            tracker.look(step, samples, float(taken.loss))
            weights.append(flat(parameters))
        if job.plane and step % stride == 0:
            gradients.append(flat([p.grad for p in parameters if p.grad is not None]))
        if sitting.due:
            series = {"weights": weights, "gradients": gradients, "losses": losses}
            sitting.keep(step, Seen(tracker.seen(), {name: torch.stack(some) for name, some in series.items() if some}))
    if not tracker.columns["steps"]:
        raise RunFailed("The loss was not finite at the first step: a lower optimizer.lr or a larger bandwidth helps.")
    finite = [loss for loss in torch.stack(losses).tolist() if math.isfinite(loss)]
    final = distance(setup, settings.evaluation.points, settings.evaluation.draws, "final")
    samples = generate(setup, _SHOWN, setup.stream("sample", 0))
    found = {
        **tracker.columns,
        **tracker.floors,
        "sw_floor": final.floor,
        "final_sw": final.value,
        "first_loss": finite[0],
        "loss": float(np.mean(finite[-LAST:])),
        "samples": samples.tolist(),
        "data": setup.data(_SHOWN, "sample", 1).points.tolist(),
        "diverged": diverged,
        "plane": None,
    }
    if job.plane and len(gradients) > 1 and diverged is None:
        surface = landscape(setup, torch.stack(gradients), torch.stack(weights), job.plane,
                            settings.evaluation.points, settings.evaluation.projections)  # fmt: skip
        found["plane"] = {key: np.asarray(value).tolist() for key, value in vars(surface).items()}
    return found


class _Tracker:
    """What is measured along a run, with the same noise at every step."""

    def __init__(self, setup: Setup, seen: dict[str, Any]) -> None:
        self.setup, self.points = setup, setup.config.evaluation.points
        self.columns: dict[str, list[float]] = seen.get("columns") or {
            name: [] for name in ("steps", "drift_norm", "mean_square", "sw", "spread", "uncovered")
        }
        self.floors: dict[str, float] = seen.get("floors", {})
        self.data, other = setup.data(2 * self.points, "floor", 0).points.split(self.points)
        self.reach, self.target_spread = reach(self.data, other), spread(self.data)

    def seen(self) -> dict[str, Any]:
        """What a tracker goes on from."""
        return {"columns": self.columns, "floors": self.floors}

    def samples(self) -> Tensor:
        return generate(self.setup, self.points, self.setup.stream("snapshot", 0))

    def look(self, step: int, samples: Tensor, loss: float) -> None:
        setup = self.setup
        norm, floor = drift_norms(setup, setup.config.evaluation.draws, 0)
        self.floors = {"norm_floor": floor.value, "norm_floor_sd": floor.sd or 0.0}
        row = {
            "steps": step,
            "drift_norm": norm.value,
            "mean_square": loss,
            "sw": distance(setup, self.points, 1, "evaluation", step).value,
            "spread": spread(samples) / self.target_spread,
            "uncovered": uncovered(self.data, samples, self.reach),
        }
        for name, value in row.items():
            self.columns[name].append(value)


@torch.no_grad()
def _restore(parameters: list[torch.nn.Parameter], vector: Tensor) -> None:
    for parameter, part in zip(parameters, vector.split([p.numel() for p in parameters]), strict=True):
        parameter.copy_(part.view_as(parameter))


def read(kept: Mapping[str, Any]) -> Tracked:
    """What a kept run found."""
    entries = {field.name: kept[field.name] for field in fields(Tracked)}
    if entries["plane"]:
        entries["plane"] = Landscape(**{key: _array(value) for key, value in entries["plane"].items()})
    return Tracked(**{key: _array(value) for key, value in entries.items()})


def _array(value: Any) -> Any:
    """A list as the array that it was written from."""
    return np.array(value, dtype=float) if isinstance(value, list) else value
