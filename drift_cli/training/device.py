"""Which device the settings ask for, and whether this machine has it."""

from __future__ import annotations

import torch

from drift_cli.errors import UserError
from drift_cli.training.settings import known_device


def resolve(name: str, gpu: int = 0) -> torch.device:
    """`auto` is CUDA if available (number `gpu`), else the CPU. Raises `UserError` for what is not there."""
    known_device(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda needs a CUDA GPU that torch can see, and there is none: use device=auto or cpu.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise UserError("device=mps needs Apple's Metal, and there is none here: use device=auto or cpu.")
    return torch.device(name, gpu) if name == "cuda" else torch.device(name)


def dtype(name: str, device: torch.device) -> torch.dtype:
    """float32 or float64. Raises `UserError` for float64 where the device has none."""
    if name == "float64" and device.type == "mps":
        raise UserError("dtype=float64 is not available on device=mps: use dtype=float32 or device=cpu.")
    return {"float32": torch.float32, "float64": torch.float64}[name]
