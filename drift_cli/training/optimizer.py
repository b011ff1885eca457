"""The optimiser, and its learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from drift_cli.config import optimizer as settings
from drift_cli.loading import collecting_nothing


def build(config: settings.OptimizerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimiser of `optimizer=…`."""
    with collecting_nothing():  # a process's first optimiser loads torch's compiler
        return _build(config, parameters)


def _build(config: settings.OptimizerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    match config:
        case settings.AdamWConfig():
            betas = (config.beta1, config.beta2)
            return torch.optim.AdamW(parameters, config.lr, betas, weight_decay=config.weight_decay, fused=_fused())
        case settings.AdamConfig():
            return torch.optim.Adam(parameters, config.lr, (config.beta1, config.beta2), fused=_fused())
        case settings.SgdConfig():
            return torch.optim.SGD(parameters, config.lr, config.momentum)
    raise TypeError(f"no optimiser is built from {type(config).__name__}")


def _fused() -> bool | None:
    return None if torch.backends.mps.is_available() else True


def learning_rate(config: settings.OptimizerConfig, step: int, steps: int) -> float:
    """lr(t): a linear warm-up, times 1 or (1 + cos(πt/steps))/2."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    fall = (1 + math.cos(math.pi * step / steps)) / 2 if config.lr_schedule == "cosine" else 1.0
    return config.lr * warm * fall
