"""Feature groups of maps, as Deng et al. cut them: each a stack of sets, one per location, that drift separately."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

KINDS = ("locations", "whole", "patches2", "patches4")
_LEAST = 1e-6  # a variance, where the maps are of about unit size: a deviation of nothing has a derivative


def groups(maps: list[Tensor], kinds: tuple[str, ...]) -> list[Float[Tensor, "l n c"]]:
    """Every group of maps [n, c, h, w]: `l` places, n samples, c numbers each.

    locations: the channels of every place. whole: their means over the map, and their deviations. patches2, patches4:
    the same over patches of 2 × 2 and of 4 × 4; a map that has no such patch gives none.
    """
    found = []
    for each in maps:
        side = min(each.shape[2:])
        if "locations" in kinds:
            found.append(each)
        if "whole" in kinds and each.shape[2] * each.shape[3] > 1:
            deviation, mean = torch.var_mean(each, dim=(2, 3), correction=0, keepdim=True)
            found += [mean, (deviation + _LEAST).sqrt()]
        for size in (2, 4):
            if f"patches{size}" in kinds and side > size:
                mean = avg_pool2d(each, size)
                variance = avg_pool2d(each.square(), size) - mean.square()
                found += [mean, (variance.clamp(min=0) + _LEAST).sqrt()]
    return [each.flatten(2).permute(2, 0, 1) for each in found]
