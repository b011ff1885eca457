"""How near generated images lie to the training images."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def neighbour_ratio(
    generated: Float[Tensor, "m d"], held_out: Float[Tensor, "n d"], train: Float[Tensor, "k d"]
) -> float:
    r"""How near the generated images lie to the training images: the mean distance to the nearest one, over that of
    real images which were held out, $\sum_j\min_i|y_j - x_i|/m\,\big/\,\sum_l\min_i|z_l - x_i|/n$ (ours).

    1 at the truth, 0 for exact copies; above 1 for images that no real one is like.
    """
    own, others = (torch.cdist(x, train).min(dim=1).values.double().mean() for x in (generated, held_out))
    return float(own / others)
