"""Random streams as pure functions of (seed, purpose, step).

Nothing random is carried from step to step, so a run that is resumed at step t draws what an uninterrupted one
would have drawn.
"""

from __future__ import annotations

import numpy as np
import torch

_PURPOSES = (
    "initial",
    "data",
    "noise",
    "labels",
    "evaluation",
    "floor",
    "sample",
    "snapshot",
    "final",
    "second",
    "drift",
    "guidance",
    "glance",
    "strength",
    "positives",
)


def stream(seed: int, purpose: str, step: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A separate torch generator for this purpose at this step."""
    entropy = np.random.SeedSequence([seed, _PURPOSES.index(purpose), step])
    return torch.Generator(device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
