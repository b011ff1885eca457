"""The cost of a generator: parameters, and multiply-adds of its matrix products and convolutions for one sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from drift_cli.generator.base import SampleGenerator


@dataclass(frozen=True)
class Cost:
    """Of the forward pass; with the gradient it is about three times as much."""

    parameters: int
    multiply_adds: int

    def __str__(self) -> str:
        return f"{self.parameters:,} parameters, {_short(self.multiply_adds)} multiply-adds per sample"


def cost(model: SampleGenerator, device: torch.device | str = "cpu", classes: int = 0) -> Cost:
    """Counted while one sample is generated on `device`, with a class if there are `classes`.

    Other operations (norms, activations, a look-up of particles) are not counted.
    """
    labels = torch.zeros(1, dtype=torch.int64, device=device) if classes else None
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # whose products are all counted
        model.sample(1, torch.Generator(device).manual_seed(0), labels)
    return Cost(sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2)


def _short(number: int) -> str:
    for unit, size in (("billion", 10**9), ("million", 10**6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,}"
