r"""Whether the generated images prefer the training images: the share whose nearest of equally many training and
held-out images is a training image (as the data-copying tests of Meehan et al. 2020 ask; in this form ours).

The training part is cut into as many such sets as it has, and the share is their mean. Where no image was memorised it
is near 1/2. The null is of real images that were held out: half of them as samples, the other half against as many
training images, over 20 random halves.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from drift_cli.judging.beside import Beside

_HALVES = 20


def preference(
    generated: Float[Tensor, "m d"],
    train: Float[Tensor, "k d"],
    held_out: Float[Tensor, "n d"],
    generator: Generator,
) -> Beside:
    """The share with its null (mean and standard deviation over halves) and with that of exact copies: as many random
    training images as there are held-out ones."""
    train = train[torch.randperm(len(train), generator=generator)]
    copied = train[torch.randperm(len(train), generator=generator)[: len(held_out)]]
    to_train, to_held_out = torch.cdist(held_out, train), torch.cdist(held_out, held_out)
    nulls = torch.tensor([_null(to_train, to_held_out, generator) for _ in range(_HALVES)], dtype=torch.float64)
    value, copies = (_share(torch.cdist(x, train), torch.cdist(x, held_out)) for x in (generated, copied))
    return Beside(value, float(nulls.mean()), float(nulls.std()), copies)


def _null(to_train: Tensor, to_held_out: Tensor, generator: Generator) -> float:
    samples, others = torch.randperm(len(to_train), generator=generator).split(len(to_train) // 2)[:2]
    return _share(to_train[samples], to_held_out[samples][:, others])


def _share(to_train: Float[Tensor, "m k"], to_held_out: Float[Tensor, "m n"]) -> float:
    """The mean over disjoint sets of n training images; a tie counts half."""
    held_out = to_held_out.min(dim=1).values
    size = min(to_held_out.shape[1], to_train.shape[1])
    sets = [few.min(dim=1).values for few in to_train.split(size, dim=1) if few.shape[1] == size]
    return float(torch.stack([(near < held_out).double() + (near == held_out).double() / 2 for near in sets]).mean())
