"""Settings of `drift design-kernel`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, Jobs, Maybe, Positive, Resume, Seed, Seeds, Steps, within
from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.rules import between, written
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.studies.design_kernel.methods import METHODS
from drift_cli.studies.settings import Factors, any_of, apart, some_of

TARGETS = {
    "swiss_roll": "swiss roll",
    "checkerboard": "checkerboard",
    "grid": "25 Gaussians",
    "nested": "five scales",
    "mixture_8": "16 modes, D = 8",
    "mixture_32": "16 modes, D = 32",
    "mixture_128": "16 modes, D = 128",
    "mnist5k": "mnist5k, codes",
}


@dataclass(kw_only=True)
class CaptureConfig(Checked):
    """From far, collapsed and one-mode starts. No distances: the part is left out."""

    prefix: ClassVar = "capture."
    modes: Annotated[int, within(3, 100)]
    distances: Annotated[list[float], Maybe("", (partial(between, low=0.5, high=10),))]
    horizon: Positive
    particles: Annotated[int, within(8, 65_536)]
    steps: Steps
    seeds: Seeds

    def check_together(self) -> None:
        self.distances = sorted(self.distances)


@dataclass(kw_only=True)
class TrainedConfig(Checked):
    """Of a network under every kernel. No targets: the part is left out."""

    prefix: ClassVar = "trained."
    targets: Annotated[list[str], any_of(TARGETS)]
    methods: Annotated[list[str], some_of(METHODS)]
    modes: Annotated[int, within(2, 1000)]
    factors: Factors
    tuning_seed: Seed
    seeds: Seeds
    batch_size: Annotated[int, within(20, 65_536)]
    steps: Steps
    samples: Annotated[int, within(100, 65_536)]

    def check_together(self) -> None:
        self.factors = sorted(self.factors)
        if "laplace" not in self.methods:
            raise UserError(
                "trained.methods must name laplace, which the others are compared with, got "
                f"{written(self.methods)}: add it."
            )
        if len(self.seeds) < 2:
            raise UserError(f"trained.seeds must be two or more, for an interval, got {written(self.seeds)}: add some.")
        apart("trained.tuning_seed", self.tuning_seed, {"trained.seeds": self.seeds})


@dataclass(kw_only=True)
class DesignKernelConfig(Checked):
    """Frequencies are those of a torus of period 2π."""

    changeable: ClassVar = ("jobs", "executor")  # with resume=

    modes: Annotated[list[int], within(3, 300)]
    dimensions: Annotated[list[int], within(1, 256)]
    epsilon: Annotated[float, within(1e-12, 0.5)]
    sigma0: Positive
    step_modes: Annotated[list[int], within(3, 100)]
    noise_samples: Annotated[list[int], within(16, 100_000)]
    draws: Annotated[int, within(10, 100_000)]
    given_modes: Annotated[int, within(3, 300)]
    given_dimension: Annotated[int, within(1, 3)]
    given_steps: Steps
    spectra: Annotated[list[float], within(0, 20)]
    batches: Annotated[list[int], within(2, 10_000_000)]
    made_batch: Annotated[int, within(16, 100_000)]
    made_repeats: Annotated[int, within(1, 10_000)]
    seed: Seed
    capture: CaptureConfig
    trained: TrainedConfig
    generator: Settings
    optimizer: Settings
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None
