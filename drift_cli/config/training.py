"""Blocks of settings that every training shares."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.rules import at_least, fraction, one_of

DEVICES = ("auto", "cpu", "cuda", "mps")


def known_device(name: str) -> None:
    one_of("device", name, DEVICES, {"gpu": "cuda", "nvidia": "cuda", "metal": "mps", "apple": "mps"})


@dataclass
class EmaConfig:
    """Exponential moving average of the weights: θ̄ ← decay·θ̄ + (1 − decay)·θ; 0 switches it off."""

    decay: float = MISSING

    def __post_init__(self) -> None:
        fraction("ema.decay", self.decay)


@dataclass
class EvaluationConfig:
    """`every`: steps between points of the curves; the sizes of the sliced Wasserstein distances."""

    every: int = MISSING
    points: int = MISSING
    large_points: int = MISSING
    projections: int = MISSING
    draws: int = MISSING

    def __post_init__(self) -> None:
        for key in ("every", "points", "projections", "draws"):
            at_least(f"evaluation.{key}", getattr(self, key), 1)
        at_least("evaluation.large_points", self.large_points, 0)


@dataclass
class CheckpointConfig:
    """A checkpoint every `every` steps (0: only at the end); the last `keep` are kept."""

    every: int = MISSING
    keep: int = MISSING

    def __post_init__(self) -> None:
        at_least("checkpoint.every", self.every, 0)
        at_least("checkpoint.keep", self.keep, 1)
