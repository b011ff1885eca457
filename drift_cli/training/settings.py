"""The settings of a training run, in blocks that the studies share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.rules import a_folder_or_none, at_least, between, check_samples, check_steps, fraction, one_of

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


@dataclass
class TrainConfig:
    choices: ClassVar = {"device": DEVICES}
    changeable: ClassVar[tuple[str, ...]] = (
        "steps",
        "device",
        "threads",
        "checkpoint.every",
        "checkpoint.keep",
    )  # with resume=

    dataset: Settings = MISSING
    kernel: Settings = MISSING
    drift: Settings = MISSING
    schedule: Settings = MISSING
    generator: Settings = MISSING
    optimizer: Settings = MISSING
    ema: EmaConfig = MISSING
    evaluation: EvaluationConfig = MISSING
    checkpoint: CheckpointConfig = MISSING
    batch_size: int = MISSING
    steps: int = MISSING
    seed: int = MISSING
    device: str = MISSING
    dtype: str = MISSING
    threads: int | None = None
    gradient_paths: str = MISSING
    animate: bool = MISSING
    resume: str | None = None

    def __post_init__(self) -> None:
        a_folder_or_none("resume", self.resume)
        check_samples("batch_size", self.batch_size)
        check_steps("steps", self.steps)
        at_least("seed", self.seed, 0)
        known_device(self.device)
        one_of("dtype", self.dtype, ("float32", "float64"))
        one_of("gradient_paths", self.gradient_paths, GRADIENT_PATHS)
        if self.gradient_paths != "none" and getattr(self.drift, "normalize", None) == "rms":
            raise UserError(
                f"gradient_paths={self.gradient_paths} differentiates |V|^2, which drift.normalize=rms makes constant: "
                "choose drift.normalize=none, or gradient_paths=none."
            )
        if isinstance(self.drift, Settings):
            self._check_drift()
        if self.threads is not None:
            between("threads", self.threads, 1, 1024)
        if getattr(self.generator, "name", None) == "particles":
            count = self.generator.count
            if self.batch_size > count:
                raise UserError(
                    f"batch_size must be at most generator.count, the number of particles, got {self.batch_size} "
                    f"above {count}: lower batch_size or raise generator.count."
                )

    def _check_drift(self) -> None:
        """What the operator says of itself decides what it can be trained with."""
        from drift_cli.drift import abilities

        name, schedule, operator = self.drift.name, self.schedule.name, self.drift.made()
        can = abilities(operator)
        if self.gradient_paths != "none" and not can.differentiable:
            raise UserError(
                f"gradient_paths={self.gradient_paths} differentiates the drift, and drift={name} has no derivative "
                "here: choose gradient_paths=none, or another drift."
            )
        if schedule != "constant" and not can.uses_kernel:
            raise UserError(
                f"schedule={schedule} anneals the kernel's bandwidth, which drift={name} does not use: choose "
                "schedule=constant, or another drift."
            )
        can.check_kernel(self.kernel.made())
