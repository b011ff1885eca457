"""A queue of data for each class, for the ablation over the number of positives (Deng et al., Section 4)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from drift_cli.data.target import Batch, Classes

Streams = Callable[[str, int], Generator]


class Queue:
    """The last `size` data points that were drawn of each class, `new` at every step: few are read, many attract.

    Its content at step t is a function only of the seed and t, so that a resumed run has the same queue: the draws of
    the last size/new steps, over as many drawn at once before the first.
    """

    def __init__(self, target: Classes, size: int, new: int, stream: Streams, dtype: torch.dtype) -> None:
        self.target, self.size, self.new, self.stream, self.dtype = target, size, new, stream, dtype
        self._points: Tensor | None = None  # [classes, size, d]
        self._step = 0

    def positives(self, n: int, step: int) -> Batch:
        """n different ones of each class' points that the queue holds at `step`."""
        points = self._at(step)
        generator = self.stream("positives", step)
        rows = torch.randperm(self.size, generator=generator, device=points.device)[:n]
        return Batch.balanced(points[:, rows])

    def _at(self, step: int) -> Tensor:
        if self._points is None or step < self._step:
            self._points, self._step = self._drawn(self.size, 0), max(step - self.size // self.new, 0)
        for each in range(self._step + 1, step + 1):
            slot = (each - 1) % (self.size // self.new) * self.new
            self._points[:, slot : slot + self.new] = self._drawn(self.new, each)
        self._step = step
        return self._points

    def _drawn(self, n: int, step: int) -> Tensor:
        batch = self.target.sample_of_each(n, self.stream("data", step), self.dtype)
        assert batch.classes is not None
        return batch.points.unflatten(0, (batch.classes, n))
