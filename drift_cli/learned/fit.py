"""Training of an auxiliary network: passes over a finite set in small batches."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Int
from torch import Generator, Tensor, nn


def fit(
    network: nn.Module,
    loss: Callable[[Int[Tensor, " b"], Generator], Tensor],
    size: int,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 128,
    rate: float = 2e-3,
) -> None:
    """Minimise `loss` over `network`'s parameters by Adam, with a cosine of the rate from `rate` to zero.

    `loss(rows, generator)` is one number, of these rows [b] of a set of `size`; what it draws comes from `generator`.
    Every pass takes each row once in a new order (the last, smaller batch is left out where there are others). The
    same seed, machine and threads give the same bits. The network is left in evaluation mode, without gradients.
    """
    order = torch.Generator().manual_seed(seed)
    device = next(network.parameters()).device
    draws = torch.Generator(device).manual_seed(seed + 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    batches = max(size // batch_size, 1)
    network.train()
    for step in range(epochs * batches):
        if step % batches == 0:
            rows = torch.randperm(size, generator=order).to(device)
        start = (step % batches) * batch_size
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * step / (epochs * batches))) / 2
        optimizer.zero_grad(set_to_none=True)
        loss(rows[start : start + batch_size], draws).backward()
        optimizer.step()
    network.requires_grad_(False).eval()
