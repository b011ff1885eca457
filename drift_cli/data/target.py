"""A target provides batches of points in the training space, unlimited or from a finite set."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from drift_cli.data.distinct_rows import distinct_rows
from drift_cli.data.space import Space


@dataclass(frozen=True)
class Batch:
    """Points of the training space, with class labels where the data has them and training uses them.

    `classes`: how many classes there are in a balanced batch, which holds as many points of each, class by class.
    `unconditional`: points of all classes, for guidance of strength `alpha` of each class.
    """

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None = None
    classes: int | None = None
    unconditional: Float[Tensor, "u d"] | None = None
    alpha: Float[Tensor, " c"] | None = None

    @classmethod
    def balanced(cls, points: Float[Tensor, "c n d"]) -> Batch:
        """The points of each class as one batch."""
        classes, n, _ = points.shape
        labels = torch.arange(classes, device=points.device).repeat_interleave(n)
        return cls(points.flatten(0, 1), labels, classes)


@runtime_checkable
class Target(Protocol):
    """The distribution p. `size` is None where points can be drawn without end."""

    @property
    def space(self) -> Space: ...

    @property
    def size(self) -> int | None: ...

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points (of a finite set at most all of it, each once) on the generator's device."""
        ...


@runtime_checkable
class Classes(Protocol):
    """A target whose classes can be drawn one by one. `class_sizes` are None where they have no end."""

    @property
    def class_sizes(self) -> tuple[int, ...] | None: ...

    def sample_of_each(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points of each class, class by class, on the generator's device."""
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


def target_of(source: Any) -> Target:
    """A data set as a target: what it says of itself, or a distribution that is drawn from without end."""
    return source.target() if hasattr(source, "target") else Endless(source)


@dataclass(frozen=True)
class Finite:
    """A finite set as a target: the empirical measure of its points.

    `labels` [n] are given to training, which is then class-conditional; `classes` [n] are known whether it is or not,
    for the judges. `held_out` is what was taken out of the set before: nothing is trained on it, and it has the same
    space.

    A batch costs what the batch is: the set is brought to a device and a type once, and kept there.
    """

    points: Float[Tensor, "n d"]
    labels: Int[Tensor, " n"] | None
    space: Space
    notes: tuple[str, ...] = ()  # what was read, and then what was guessed of it
    classes: Int[Tensor, " n"] | None = None
    held_out: Finite | None = None
    content: str = ""  # marks what was read, before any scale: equal ones have equal data
    _placed: dict[tuple[torch.device, torch.dtype], Batch] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _rows: dict[torch.device, list[Tensor]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        return len(self.points)

    def sample(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """min(n, size) distinct points, every ordered choice equally likely, with their labels."""
        whole = self._on(generator.device, dtype)
        rows = distinct_rows(self.size, n, generator)
        return Batch(whole.points[rows], None if whole.labels is None else whole.labels[rows])

    @cached_property
    def class_sizes(self) -> tuple[int, ...]:
        """How many points each class has; no classes without labels."""
        return () if self.labels is None else tuple(torch.bincount(self.labels).tolist())

    def sample_of_each(self, n: int, generator: Generator, dtype: torch.dtype) -> Batch:
        """n points of each class, class by class: distinct ones, every ordered choice equally likely.

        A class of fewer points gives all of them once, in a random order, before it gives any of them again.
        """
        whole = self._on(generator.device, dtype)
        rows = []
        for size, members in zip(self.class_sizes, self._members(generator.device), strict=True):
            parts = [distinct_rows(size, min(n - start, size), generator) for start in range(0, n, size)]
            rows.append(members[torch.cat(parts)])
        return Batch.balanced(whole.points[torch.stack(rows)])

    def _members(self, device: torch.device) -> list[Tensor]:
        """The rows of each class."""
        if device not in self._rows:
            assert self.labels is not None
            labels = self.labels.to(device)
            self._rows[device] = [(labels == k).nonzero().squeeze(1) for k in range(len(self.class_sizes))]
        return self._rows[device]

    def _on(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """All of it on this device in this type; the points as given are float64 on the CPU."""
        if (device, dtype) not in self._placed:
            labels = None if self.labels is None else self.labels.to(device)
            self._placed[device, dtype] = Batch(self.points.to(device, dtype), labels)
        return self._placed[device, dtype]
