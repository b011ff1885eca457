r"""Loss and distance on the plane of the two principal directions of a run's own training gradients (Figure 3).

The plane goes through the last weights. The loss is $\mathbb E|V|^2$ for every choice of `gradient_paths`: as
functions of the weights the losses are equal, and what differs between runs is the plane. Noise, data and directions
are the same at every point, so that the surface is smooth in the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, vmap

from drift_cli.data import Batch
from drift_cli.generator import Mlp
from drift_cli.metrics.sliced_wasserstein import directions, sliced_wasserstein
from drift_cli.training.setup import Setup

_MARGIN = 0.3  # of the trajectory's extent, left around it
_LEAST = 1e-3  # of the weights' norm: the half-width of a plane along which the run did not move
_BATCHES = 4  # over which the loss is averaged
_AT_ONCE = 16  # points of the plane whose samples are generated together


@dataclass(frozen=True)
class Plane:
    """`origin` [w], orthonormal `axes` [2, w], and the share of the gradients' variance along each [2]."""

    origin: Float[Tensor, " w"]
    axes: Float[Tensor, "2 w"]
    shares: Tensor

    def coordinates(self, weights: Float[Tensor, "k w"]) -> Float[Tensor, "k 2"]:
        """Of weights projected onto the plane."""
        return (weights - self.origin) @ self.axes.T

    def at(self, coordinates: Float[Tensor, "k 2"]) -> Float[Tensor, "k w"]:
        return self.origin + coordinates @ self.axes


@dataclass(frozen=True)
class Landscape:
    """`loss` and `sw` [side, side] at axes `x` and `y` [side], row by row of y; the trajectory [k, 2] at its steps.

    `shares` of the variance of the gradients, and `explained`, the share of the path from first to last weights that
    lies in the plane.
    """

    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    sw: np.ndarray
    trajectory: np.ndarray
    shares: np.ndarray
    explained: float


def principal_plane(gradients: Float[Tensor, "k w"], first: Tensor, last: Tensor) -> Plane:
    """The plane through `last` of the two directions along which the gradients vary most, `first` on their + sides."""
    centred = gradients - gradients.mean(dim=0)
    _, values, axes = torch.linalg.svd(centred, full_matrices=False)
    variances = values.square()
    signs = torch.where(axes[:2] @ (first - last) < 0, -1.0, 1.0)  # a principal direction has no sign of its own
    return Plane(last, signs[:, None] * axes[:2], variances[:2] / variances.sum())


def landscape(setup: Setup, gradients: Tensor, weights: Tensor, side: int, points: int, projections: int) -> Landscape:
    """The landscape of a run from some of its gradients [k, w] and its weights [m, w] along the way."""
    plane = principal_plane(gradients, weights[0], weights[-1])
    trajectory = plane.coordinates(weights)
    axes = [_around(along, side, float(_LEAST * weights[-1].norm())) for along in trajectory.T]
    grid = torch.cartesian_prod(axes[1], axes[0]).flip(1).to(weights)
    loss, sw = _surfaces(setup, plane.at(grid), points, projections)
    moved = weights[0] - weights[-1]
    explained = float(trajectory[0].square().sum() / moved.square().sum().clamp_min(1e-30))
    tensors = {"x": axes[0], "y": axes[1], "loss": loss.view(side, side), "sw": sw.view(side, side),
               "trajectory": trajectory, "shares": plane.shares}  # fmt: skip
    return Landscape(**{k: t.double().cpu().numpy() for k, t in tensors.items()}, explained=explained)


def _around(along: Tensor, side: int, least: float) -> Tensor:
    """`side` points that reach beyond the trajectory's coordinates on both sides, one of them at the last weights."""
    low, high = float(along.min()), float(along.max())
    margin = max(_MARGIN * (high - low), least)
    spacing = (high - low + 2 * margin) / (side - 1)
    return spacing * (torch.arange(side, dtype=torch.float64) + round((low - margin) / spacing))


@torch.no_grad()
def _surfaces(setup: Setup, weights: Float[Tensor, "g w"], points: int, projections: int) -> tuple[Tensor, Tensor]:
    """The loss and SW-2 at each of the weights, with common random numbers."""
    config, kernel = setup.config, setup.kernel_at(setup.config.steps - 1)
    draw = setup.stream("evaluation", 0)
    count, model = config.batch_size, setup.model
    assert isinstance(model, Mlp)
    noise = model.draw(_BATCHES * count + points, draw)
    data = setup.target.sample(_BATCHES * count, draw, setup.dtype).points.split(count)
    fields = [setup.field(kernel, None, Batch(batch)) for batch in data]
    target = setup.target.sample(points, draw, setup.dtype).points
    theta = directions(projections, target.shape[1], draw, setup.dtype)
    losses, distances = [], []
    for some in weights.split(_AT_ONCE):
        for samples in vmap(lambda w: functional_call(model, _named(model, w), (noise,)))(some):
            batches = samples[: _BATCHES * count].split(count)
            losses.append(sum(float(f(x, x).square().sum(dim=1).mean()) for f, x in zip(fields, batches, strict=True)))
            distances.append(sliced_wasserstein(samples[_BATCHES * count :].contiguous(), target, theta))
    return torch.tensor(losses) / _BATCHES, torch.tensor(distances)


def flat(tensors: Sequence[Tensor]) -> Float[Tensor, " w"]:
    """One vector of all weights or gradients."""
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def _named(model: torch.nn.Module, vector: Float[Tensor, " w"]) -> dict[str, Tensor]:
    """The inverse of `flat`, by the names of the model's parameters."""
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    parts = vector.split([shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
