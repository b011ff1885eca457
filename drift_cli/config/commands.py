"""The settings of each command, as one typed object: groups first, then what stands at the root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from drift_cli.config.ablate_schedule import AblateScheduleConfig
from drift_cli.config.compare_operators import CompareOperatorsConfig
from drift_cli.config.objects import Settings
from drift_cli.config.paper import PaperConfig
from drift_cli.config.spectral import SpectralConfig
from drift_cli.config.stop_grad_study import StopGradStudyConfig
from drift_cli.config.training import CheckpointConfig, EmaConfig, EvaluationConfig, known_device
from drift_cli.config.verify_flow import VerifyFlowConfig
from drift_cli.config.verify_radial import VerifyRadialConfig
from drift_cli.config.verify_score import VerifyScoreConfig
from drift_cli.errors import UserError
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.rules import (
    a_folder_or_none,
    at_least,
    between,
    check_epsilon,
    check_samples,
    check_steps,
    not_empty,
    one_of,
    positive,
)

GROUPS = ("dataset", "kernel", "drift", "schedule", "generator", "optimizer")


@dataclass
class TrainConfig:
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


@dataclass
class SampleConfig:
    run: str = MISSING
    n: int = MISSING
    out: str = MISSING
    seed: int = MISSING
    label: int | None = None
    ema: bool = MISSING
    device: str = MISSING

    def __post_init__(self) -> None:
        at_least("n", self.n, 1)
        at_least("seed", self.seed, 0)
        known_device(self.device)


@dataclass
class TableConfig:
    folder: str = MISSING


@dataclass
class BenchConfig(TrainConfig):
    """What is measured; the settings of a training run are those of the step that `what=step` measures."""

    what: Any = MISSING  # one name or several
    n: Any = MISSING  # one number or several
    d: Any = MISSING
    tau: float | None = None
    epsilon: float = MISSING
    seconds: float = MISSING
    largest_array_gb: float = MISSING
    longest: float = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        self.n, self.d = _numbers("n", self.n), _numbers("d", self.d)
        self.what = self.what if isinstance(self.what, list) else [self.what]
        not_empty("what", self.what)
        for what in self.what:
            one_of("what", what, ("mean_shift", "narrow", "row_column", "step", "paths", "sinkhorn"))
        if self.tau is not None:
            positive("tau", self.tau)
        check_epsilon("epsilon", self.epsilon)
        positive("seconds", self.seconds)
        at_least("largest_array_gb", self.largest_array_gb, 0)
        positive("longest", self.longest)


def _numbers(key: str, value: Any) -> list[int]:
    """One whole number above 1 or a list of them, as a list."""
    values = value if isinstance(value, list) else [value]
    not_empty(key, values)
    for entry in values:
        if not isinstance(entry, int) or entry < 1:
            raise UserError(f"{key} must be a whole number above 0 or a list of them, got {entry}.")
    return values


COMMANDS: dict[str, type] = {
    "train": TrainConfig,
    "sample": SampleConfig,
    "table": TableConfig,
    "bench": BenchConfig,
    "ablate-schedule": AblateScheduleConfig,
    "compare-operators": CompareOperatorsConfig,
    "stop-grad-study": StopGradStudyConfig,
    "verify-score": VerifyScoreConfig,
    "verify-radial": VerifyRadialConfig,
    "verify-flow": VerifyFlowConfig,
    "spectral": SpectralConfig,
    "paper": PaperConfig,
}
