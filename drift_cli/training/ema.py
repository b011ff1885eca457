r"""Exponential moving average of the weights, $\bar\theta \leftarrow d_t\,\bar\theta + (1 - d_t)\,\theta$.

$d_t = \min(\texttt{decay}, (1 + t)/(10 + t))$, so that the first steps do not linger.
"""

from __future__ import annotations

import copy

import torch

from drift_cli.generator import SampleGenerator


def start(model: SampleGenerator) -> SampleGenerator:
    """A copy of the model to average into, without gradients."""
    return copy.deepcopy(model).requires_grad_(False)


@torch.no_grad()
def update(average: SampleGenerator, model: SampleGenerator, decay: float, step: int) -> None:
    """Move the average toward the model after training step `step`."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), weight)
