"""Whether a judge sees the class that was asked for."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor


def accuracy(answers: Int[Tensor, " n"], classes: Int[Tensor, " n"]) -> float:
    r"""The share of the images in which a judge sees the class that was asked for: $\frac1n\sum_i 1[\hat c(x_i) =
    c_i]$.

    Collapsed class means are recognised always: this number is meaningless without the spread.
    """
    return float((answers == classes).double().mean())


def worst_accuracy(answers: Int[Tensor, " n"], classes: Int[Tensor, " n"]) -> float:
    """The accuracy of the class where it is lowest, of the classes that were asked for."""
    asked = torch.bincount(classes).double()
    right = torch.bincount(classes[answers == classes], minlength=len(asked))
    return float((right[asked > 0] / asked[asked > 0]).min())
