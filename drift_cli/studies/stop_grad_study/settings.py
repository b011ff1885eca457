"""Settings of `drift stop-grad-study`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from omegaconf import MISSING

from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.gradient_paths import GRADIENT_PATHS
from drift_cli.rules import (
    a_folder_or_none,
    at_least,
    between,
    check_samples,
    check_steps,
    different,
    not_empty,
    one_of,
    positive,
)
from drift_cli.training.settings import DEVICES, known_device

STUDIED = ("swiss_roll", "checkerboard")
STUDIED_KERNELS = ("laplace", "gaussian", "matern32", "matern52")


@dataclass
class PairsConfig:
    """`samples` against `none` at every bandwidth and batch size named here, paired by seed; empty lists: not done."""

    bandwidths: list[float] = MISSING
    batch_sizes: list[int] = MISSING
    seeds: list[int] = MISSING

    def __post_init__(self) -> None:
        for bandwidth in self.bandwidths:
            positive("each of pairs.bandwidths", bandwidth)
        for size in self.batch_sizes:
            check_samples("each of pairs.batch_sizes", size)
        for seed in self.seeds:
            at_least("each of pairs.seeds", seed, 0)
        for key in ("bandwidths", "batch_sizes", "seeds"):
            different(f"pairs.{key}", getattr(self, key))
        empty = [key for key in ("bandwidths", "batch_sizes", "seeds") if not getattr(self, key)]
        if 0 < len(empty) < 3:
            raise UserError(
                "pairs.bandwidths, pairs.batch_sizes and pairs.seeds must all name values or all be empty: give "
                f"{' and '.join(f'pairs.{key}' for key in empty)} values too."
            )


@dataclass
class StopGradStudyConfig:
    choices: ClassVar = {"device": DEVICES}
    changeable: ClassVar = ("jobs",)  # with resume=

    datasets: list[str] = MISSING
    kernels: list[str] = MISSING
    paths: list[str] = field(default_factory=lambda: list(GRADIENT_PATHS))
    bandwidth: float = MISSING
    drift: Settings = MISSING
    generator: Settings = MISSING
    optimizer: Settings = MISSING
    batch_size: int = MISSING
    steps: int = MISSING
    seeds: list[int] = MISSING
    pairs: PairsConfig = MISSING
    track: int = MISSING
    points: int = MISSING
    projections: int = MISSING
    draws: int = MISSING
    plane: int = MISSING
    device: str = MISSING
    jobs: int | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        a_folder_or_none("resume", self.resume)
        for key, choices in (("datasets", STUDIED), ("kernels", STUDIED_KERNELS), ("paths", GRADIENT_PATHS)):
            not_empty(key, getattr(self, key))
            different(key, getattr(self, key))
            for name in getattr(self, key):
                one_of(f"each of {key}", name, choices)
        if "none" not in self.paths:
            raise UserError(
                f"paths must have none among them, beside which the others are judged, got {', '.join(self.paths)}."
            )
        if self.pairs.seeds and "samples" not in self.paths:
            raise UserError("pairs set samples beside none: put samples among paths, or leave pairs empty.")
        positive("bandwidth", self.bandwidth)
        if self.generator.name != "mlp":
            raise UserError(
                f"generator must be mlp: the plane of the landscape is one of a network's weights, got "
                f"{self.generator.name}. Leave it out, or set the network with generator.widths=[…]."
            )
        check_samples("batch_size", self.batch_size)
        check_steps("steps", self.steps, least=10)
        not_empty("seeds", self.seeds)
        different("seeds", self.seeds)
        for seed in self.seeds:
            at_least("each of seeds", seed, 0)
        between("track", self.track, 8, 1000)
        between("points", self.points, 10, 10**6)
        at_least("projections", self.projections, 1)
        at_least("draws", self.draws, 1)
        if self.plane != 0:
            between("plane, where not 0 (no landscape),", self.plane, 3, 201)
        known_device(self.device)
        if self.jobs is not None:
            between("jobs", self.jobs, 1, 1024)
