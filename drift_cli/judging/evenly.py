"""A part of a set with every class in its share: the noise of drawing classes adds to a Fréchet distance."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Generator, Tensor


def evenly(classes: Int[Tensor, " n"], count: int, draws: Generator) -> Int[Tensor, " count"]:
    """`count` ≤ n of the n rows, at random, of each class its share up to one row."""
    shuffled = torch.randperm(len(classes), generator=draws)
    by_class = shuffled[classes[shuffled].argsort(stable=True)]
    return by_class[torch.arange(count) * len(classes) // count]
