"""What a target gives: batches of points in the training space, without end or from a finite set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from drift_cli.data.space import Space


@dataclass(frozen=True)
class Batch:
    """Points of the training space, with class labels where the data has them and training uses them."""

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None = None


class Target(Protocol):
    """The distribution p. `size` is None where points can be drawn without end."""

    @property
    def space(self) -> Space: ...

    @property
    def size(self) -> int | None: ...

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points (of a finite set at most all of it, each once) on the generator's device."""
        ...


class Synthetic(Protocol):
    """A distribution that can be sampled without end, at about unit size."""

    @property
    def dimension(self) -> int: ...

    def draw(self, n: int, generator: Generator, dtype: torch.dtype) -> Float[Tensor, "n d"]: ...


@dataclass(frozen=True)
class Endless:
    """A synthetic distribution as a target."""

    source: Synthetic

    @property
    def space(self) -> Space:
        return Space.unit(self.source.dimension)

    @property
    def size(self) -> None:
        return None

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        return Batch(self.source.draw(n, generator, dtype))


@dataclass(frozen=True)
class Finite:
    """A finite set as a target: the empirical measure of its points."""

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None
    space: Space

    @property
    def size(self) -> int:
        return len(self.points)

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        rows = torch.randperm(self.size, generator=generator, device=generator.device)[:n]
        points = self.points.to(generator.device, dtype)[rows]
        labels = None if self.labels is None else self.labels.to(generator.device)[rows]
        return Batch(points, labels)
