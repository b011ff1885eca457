"""Random numbers on the generator's own device."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def normal(*shape: int, generator: Generator, dtype: torch.dtype) -> Tensor:
    return torch.randn(*shape, generator=generator, device=generator.device, dtype=dtype)


def uniform(*shape: int, generator: Generator, dtype: torch.dtype) -> Tensor:
    return torch.rand(*shape, generator=generator, device=generator.device, dtype=dtype)


def integers(high: int, n: int, generator: Generator) -> Tensor:
    """n integers from 0 to high − 1."""
    return torch.randint(high, (n,), generator=generator, device=generator.device)
