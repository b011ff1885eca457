"""The second opinion: a support vector machine on the pixels, with a Gaussian kernel (scikit-learn's SVC)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

_MOST = 4000  # images it learns from: its time grows with their square
_SOFTNESS = 10.0


def second_opinion(
    images: Float[Tensor, "n d"], classes: Int[Tensor, " n"], seed: int
) -> Callable[[Float[Tensor, "m d"]], Int[Tensor, " m"]]:
    """The class that it sees in each image, after it learned from these (from 4,000 drawn ones of more)."""
    from sklearn.svm import SVC

    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:_MOST]
    machine = SVC(C=_SOFTNESS, gamma="scale", cache_size=500).fit(images[rows].numpy(), classes[rows].numpy())
    return lambda seen: torch.from_numpy(machine.predict(seen.numpy()))
