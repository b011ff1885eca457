"""Settings of the optimiser and of its learning rate over the run."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from drift_cli.config.checks import at_least, fraction, one_of, positive


@dataclass
class OptimizerConfig:
    name: str = MISSING
    lr: float = MISSING
    lr_schedule: str = MISSING
    warmup: int = MISSING

    def __post_init__(self) -> None:
        positive("optimizer.lr", self.lr)
        one_of("optimizer.lr_schedule", self.lr_schedule, ("constant", "cosine"))
        at_least("optimizer.warmup", self.warmup, 0)


@dataclass
class AdamConfig(OptimizerConfig):
    name: str = "adam"
    beta1: float = MISSING
    beta2: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("optimizer.beta1", self.beta1)
        fraction("optimizer.beta2", self.beta2)


@dataclass
class AdamWConfig(AdamConfig):
    name: str = "adamw"
    weight_decay: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("optimizer.weight_decay", self.weight_decay, 0)


@dataclass
class SgdConfig(OptimizerConfig):
    name: str = "sgd"
    momentum: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("optimizer.momentum", self.momentum)


OPTIMIZERS: dict[str, type[OptimizerConfig]] = {"adam": AdamConfig, "adamw": AdamWConfig, "sgd": SgdConfig}
