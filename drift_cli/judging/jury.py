"""What judges images: real ones in two parts, and the judge that learned from the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from drift_cli.judging.accuracy import accuracy
from drift_cli.judging.frechet import frechet_distance
from drift_cli.judging.judge import Judge, learned_judge
from drift_cli.learned import Shelf


@dataclass(frozen=True)
class Jury:
    """Images as rows of pixels in [0, 1], with their classes; the judge, and its features of either part."""

    train: Float[Tensor, "k d"]
    train_classes: Int[Tensor, " k"]
    held_out: Float[Tensor, "n d"]
    held_out_classes: Int[Tensor, " n"]
    seed: int
    judge: Judge
    features: Float[Tensor, "k f"]
    unseen: Float[Tensor, "n f"]

    @classmethod
    def learned(
        cls,
        train: Float[Tensor, "k d"],
        train_classes: Int[Tensor, " k"],
        held_out: Float[Tensor, "n d"],
        held_out_classes: Int[Tensor, " n"],
        shape: tuple[int, ...],
        seed: int,
        shelf: Shelf,
    ) -> Self:
        train, held_out = as_seen(train), as_seen(held_out)
        train_classes, held_out_classes = train_classes.cpu(), held_out_classes.cpu()
        judge = learned_judge(train, train_classes, shape, seed, shelf)
        parts = judge.features(train), judge.features(held_out)
        return cls(train, train_classes, held_out, held_out_classes, seed, judge, *parts)

    @property
    def accuracy(self) -> float:
        """The judge's own, on images that it did not learn from."""
        return accuracy(self.judge.answers(self.unseen), self.held_out_classes)

    def glance(self, generated: Float[Tensor, "m d"], labels: Int[Tensor, " m"] | None) -> tuple[float | None, float]:
        """Accuracy (None without labels) and Fréchet distance, in little time."""
        own = self.judge.features(as_seen(generated))
        right = None if labels is None else accuracy(self.judge.answers(own), labels.cpu())
        return right, frechet_distance(own, self.features)

    def nearest(self, generated: Float[Tensor, "m d"]) -> tuple[Float[Tensor, "m d"], Float[Tensor, "m d"]]:
        """The training images that are nearest to each image, in pixels and in features."""
        seen = as_seen(generated)
        pairs = (seen, self.train), (self.judge.features(seen), self.features)
        return tuple(self.train[torch.cdist(x, y).argmin(dim=1)] for x, y in pairs)  # type: ignore[return-value]


def as_seen(images: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Pixels as a screen shows them, from 0 to 1."""
    return images.detach().cpu().float().clamp(0, 1)
