"""Distances of the averaged generator to the target, each with its floor, and the drift norm with its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drift_cli.data import Batch
from drift_cli.metrics.sliced_wasserstein import Distance, directions, distances_to, sliced_wasserstein
from drift_cli.training.setup import Setup


@dataclass(frozen=True)
class Mean:
    """Mean and standard deviation over draws."""

    value: float
    sd: float | None


@torch.no_grad()
def distance(setup: Setup, points: int, draws: int, purpose: str, step: int = 0) -> Distance:
    """SW-2 of generated samples to the target, and of a second sample of the target to the same one (the floor).

    Every draw takes fresh samples and fresh directions, shared by the distance and its floor. A finite target is
    cut into two random halves; a set of particles is never used beyond its number.
    """
    pairs = []
    for draw in _draws(setup, points, draws, purpose, step):
        pairs.append(distances_to(draw.reference, [_generated(setup, draw), draw.other], draw.theta))
    values, floors = zip(*pairs, strict=True)
    return Distance(*_mean_sd(values), *_mean_sd(floors))


@torch.no_grad()
def distance_alone(setup: Setup, points: int, draws: int, purpose: str, step: int = 0) -> Mean:
    """`distance` without its floor, in two thirds of the time: the same numbers."""
    drawn = _draws(setup, points, draws, purpose, step)
    return Mean(*_mean_sd([sliced_wasserstein(_generated(setup, draw), draw.reference, draw.theta) for draw in drawn]))


@torch.no_grad()
def floor_alone(setup: Setup, points: int, draws: int, purpose: str, step: int = 0) -> Mean:
    """The floor of `distance` without the distance: the same numbers, and nothing is generated."""
    drawn = _draws(setup, points, draws, purpose, step)
    return Mean(*_mean_sd([sliced_wasserstein(draw.other, draw.reference, draw.theta) for draw in drawn]))


@dataclass(frozen=True)
class _Draw:
    """Two samples of the target where distances are measured, directions, and the stream that goes on from there."""

    other: Tensor
    reference: Tensor
    theta: Tensor
    generator: torch.Generator


def _draws(setup: Setup, points: int, draws: int, purpose: str, step: int) -> Iterator[_Draw]:
    count = comparable_points(setup, points)
    for draw in range(draws):
        generator = setup.stream(purpose, 1000 * step + draw)
        pair = setup.target.sample(2 * count, generator, setup.dtype)
        other, reference = (setup.target.space.for_distance(half) for half in pair.points.split(count)[:2])
        theta = directions(setup.config.evaluation.projections, other.shape[1], generator, setup.dtype)
        yield _Draw(other, reference, theta, generator)


def _generated(setup: Setup, draw: _Draw) -> Tensor:
    return setup.target.space.for_distance(generate(setup, len(draw.reference), draw.generator))


def comparable_points(setup: Setup, points: int) -> int:
    """How many points can be compared: half of a finite target at most, and no more than there are particles."""
    if setup.target.size is not None:
        points = min(points, setup.target.size // 2)
    return points if setup.model.count is None else min(points, setup.model.count)


@torch.no_grad()
def drift_norms(setup: Setup, draws: int, step: int) -> tuple[Mean, Mean]:
    """Mean |V| of the averaged generator's samples against data, and the same at q = p (a second sample of the target).

    The second is the norm's floor: what minibatches leave of a drift that vanishes in population. Both have the same
    numbers of points and the same data; of a finite target at most half each.
    """
    kernel = setup.kernel_at(step)
    norms, floors = [], []
    for draw in range(draws):
        generator = setup.stream("floor", draw)
        truth, batch = _two_samples(setup, setup.config.batch_size, generator)
        count = len(truth.points)
        labels = setup.labels_like(batch, count, draw)
        x = setup.average.sample(count, generator, labels)
        norms.append(float(setup.field(kernel, labels, batch)(x, x).norm(dim=1).mean()))
        floors.append(float(setup.field(kernel, truth.labels, batch)(truth.points, truth.points).norm(dim=1).mean()))
    return Mean(*_mean_sd(norms)), Mean(*_mean_sd(floors))


@torch.no_grad()
def generate(setup: Setup, n: int, generator: torch.Generator, labels: Tensor | None = None) -> Tensor:
    """n samples of the averaged generator in the training space of the data, of `labels` [n] if they are given; else
    of classes drawn as often as they are in the data."""
    if labels is None:
        labels = draw_labels(setup.target.space.class_frequencies, n, generator)
    return setup.codec.decode(setup.average.sample(n, generator, labels))


def draw_labels(frequencies: tuple[float, ...] | None, n: int, generator: torch.Generator) -> Tensor | None:
    """n classes by their frequencies, or none where there are no classes."""
    if not frequencies:
        return None
    weights = torch.tensor(frequencies, dtype=torch.float64, device=generator.device)
    return torch.multinomial(weights, n, replacement=True, generator=generator)


def _two_samples(setup: Setup, n: int, generator: torch.Generator) -> tuple[Batch, Batch]:
    """Two disjoint samples of the target, of n points or of half of a smaller finite set; only shared classes."""
    count = min(n, setup.target.size // 2) if setup.target.size is not None else n
    pair = setup.coded.sample(2 * count, generator, setup.dtype)
    points = pair.points.split(count)
    if pair.labels is None:
        return Batch(points[0]), Batch(points[1])
    labels = pair.labels.split(count)
    shared = torch.isin(labels[0], labels[1])
    return Batch(points[0][shared], labels[0][shared]), Batch(points[1], labels[1])


def _mean_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and standard deviation; a single draw has no spread."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None
