"""Settings of `drift stop-grad-study`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

from drift_cli.config.checked import Checked, Jobs, Positive, Resume, Samples, Seeds, least, obeys, within
from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.rules import at_least, check_samples, check_steps, positive, written
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.studies.kernels import with_settings
from drift_cli.studies.settings import any_that, some_of
from drift_cli.training.settings import Device

STUDIED = ("swiss_roll", "checkerboard")


@dataclass(kw_only=True)
class PairsConfig(Checked):
    """`samples` against `none` at every bandwidth and batch size named here, paired by seed; empty lists: not done."""

    prefix: ClassVar = "pairs."
    bandwidths: Annotated[list[float], any_that(positive)]
    batch_sizes: Annotated[list[int], any_that(check_samples)]
    seeds: Annotated[list[int], any_that(partial(at_least, least=0))]

    def check_together(self) -> None:
        empty = [key for key in ("bandwidths", "batch_sizes", "seeds") if not getattr(self, key)]
        if 0 < len(empty) < 3:
            raise UserError(
                "pairs.bandwidths, pairs.batch_sizes and pairs.seeds must all name values or all be empty: give "
                f"{' and '.join(f'pairs.{key}' for key in empty)} values too."
            )


@dataclass(kw_only=True)
class StopGradStudyConfig(Checked):
    changeable: ClassVar = ("jobs", "executor")  # with resume=

    datasets: Annotated[list[str], some_of(STUDIED)]
    kernels: Annotated[list[str], some_of(with_settings())]
    paths: Annotated[list[str], some_of(GRADIENT_PATHS)] = field(default_factory=lambda: list(GRADIENT_PATHS))
    bandwidth: Positive
    drift: Settings
    generator: Settings
    optimizer: Settings
    batch_size: Samples
    steps: Annotated[int, obeys(partial(check_steps, least=10))]
    seeds: Seeds
    pairs: PairsConfig
    track: Annotated[int, within(8, 1000)]
    points: Annotated[int, within(10, 10**6)]
    projections: Annotated[int, least(1)]
    draws: Annotated[int, least(1)]
    plane: int
    device: Device
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None

    def check_together(self) -> None:
        if "none" not in self.paths:
            raise UserError(
                f"paths must include none, with which the others are compared, got {written(self.paths)}: add it."
            )
        if self.pairs.seeds and "samples" not in self.paths:
            raise UserError("pairs compare samples with none: add samples to paths, or leave pairs empty.")
        if self.generator.name != "mlp":
            raise UserError(
                f"generator must be mlp: the landscape is a plane of a network's weights, got {self.generator.name}. "
                "Leave it out, or set the network with generator.widths=[…]."
            )
        if self.plane != 0 and not 3 <= self.plane <= 201:
            raise UserError(f"plane must be 0 (no landscape) or from 3 to 201, got {self.plane}.")
