"""Random numbers on the generator's own device."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch
from torch import Generator, Tensor

from drift_cli.rules import at_least
from drift_cli.setting import Setting

Noise = Annotated[float, Setting("standard deviation of the noise, after scaling", (partial(at_least, least=0),))]


def normal(*shape: int, generator: Generator, dtype: torch.dtype) -> Tensor:
    """Standard normal numbers of this shape, on the generator's device."""
    return torch.randn(*shape, generator=generator, device=generator.device, dtype=dtype)


def uniform(*shape: int, generator: Generator, dtype: torch.dtype) -> Tensor:
    """Numbers uniform on [0, 1) of this shape, on the generator's device."""
    return torch.rand(*shape, generator=generator, device=generator.device, dtype=dtype)


def integers(high: int, n: int, generator: Generator) -> Tensor:
    """n integers from 0 to high − 1."""
    return torch.randint(high, (n,), generator=generator, device=generator.device)
