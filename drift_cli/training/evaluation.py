"""Distances of the averaged generator to the target, each with its floor, and the drift norm with its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drift_cli.data import Batch
from drift_cli.generator import Particles
from drift_cli.metrics.sliced_wasserstein import Distance, directions, sliced_wasserstein
from drift_cli.training.bench import Bench


@dataclass(frozen=True)
class Mean:
    """Mean and standard deviation over draws."""

    value: float
    sd: float | None


@torch.no_grad()
def distance(bench: Bench, points: int, draws: int, purpose: str, step: int = 0) -> Distance:
    """SW-2 of generated samples to the target, and of a second sample of the target to the same one (the floor).

    Every draw takes fresh samples and fresh directions, shared by the distance and its floor. A finite target is
    cut into two random halves; a set of particles is never used beyond its number.
    """
    count = comparable_points(bench, points)
    values, floors = [], []
    for draw in range(draws):
        generator = bench.stream(purpose, 1000 * step + draw)
        pair = bench.target.sample(2 * count, generator, bench.dtype)
        first, second = (bench.target.space.for_distance(half) for half in pair.points.split(count)[:2])
        theta = directions(bench.config.evaluation.projections, first.shape[1], generator, bench.dtype)
        generated = bench.target.space.for_distance(generate(bench, count, generator))
        values.append(sliced_wasserstein(generated, second, theta))
        floors.append(sliced_wasserstein(first, second, theta))
    return Distance(*_mean_sd(values), *_mean_sd(floors))


def comparable_points(bench: Bench, points: int) -> int:
    """How many points can be compared: half of a finite target at most, and no more than there are particles."""
    if bench.target.size is not None:
        points = min(points, bench.target.size // 2)
    if isinstance(bench.model, Particles):
        points = min(points, len(bench.model.positions))
    return points


@torch.no_grad()
def drift_norms(bench: Bench, draws: int, step: int) -> tuple[Mean, Mean]:
    """Mean |V| of the averaged generator's samples against data, and the same at q = p (a second sample of the target).

    The second is the norm's floor: what minibatches leave of a drift that vanishes in population. Both have the same
    numbers of points and the same data; of a finite target at most half each.
    """
    kernel = bench.kernel_at(step)
    norms, floors = [], []
    for draw in range(draws):
        generator = bench.stream("floor", draw)
        truth, batch = _two_samples(bench, bench.config.batch_size, generator)
        count = len(truth.points)
        labels = bench.labels_like(batch, count, draw)
        x = bench.average.sample(count, generator, labels)
        norms.append(float(bench.field(kernel, labels, batch)(x, x).norm(dim=1).mean()))
        floors.append(float(bench.field(kernel, truth.labels, batch)(truth.points, truth.points).norm(dim=1).mean()))
    return Mean(*_mean_sd(norms)), Mean(*_mean_sd(floors))


@torch.no_grad()
def generate(bench: Bench, n: int, generator: torch.Generator) -> Tensor:
    """n samples of the averaged generator; classes as often as in the data."""
    return bench.average.sample(n, generator, draw_labels(bench.target.space.class_frequencies, n, generator))


def draw_labels(frequencies: tuple[float, ...] | None, n: int, generator: torch.Generator) -> Tensor | None:
    """n classes by their frequencies, or none where there are no classes."""
    if not frequencies:
        return None
    weights = torch.tensor(frequencies, dtype=torch.float64, device=generator.device)
    return torch.multinomial(weights, n, replacement=True, generator=generator)


def _two_samples(bench: Bench, n: int, generator: torch.Generator) -> tuple[Batch, Batch]:
    """Two disjoint samples of the target, of n points or of half of a smaller finite set; only shared classes."""
    count = min(n, bench.target.size // 2) if bench.target.size is not None else n
    pair = bench.target.sample(2 * count, generator, bench.dtype)
    points = pair.points.split(count)
    if pair.labels is None:
        return Batch(points[0]), Batch(points[1])
    labels = pair.labels.split(count)
    shared = torch.isin(labels[0], labels[1])
    return Batch(points[0][shared], labels[0][shared]), Batch(points[1], labels[1])


def _mean_sd(values: list[float]) -> tuple[float, float | None]:
    """Mean and standard deviation; a single draw has no spread."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
