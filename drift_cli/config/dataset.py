"""Settings of the targets. Synthetic ones are about unit size, the same for every batch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from drift_cli.config.checks import at_least, finite, not_empty, positive
from drift_cli.errors import UserError


@dataclass
class DatasetConfig:
    name: str = MISSING


@dataclass
class NoisyConfig(DatasetConfig):
    """A shape plus isotropic Gaussian noise of standard deviation `noise`."""

    noise: float = MISSING

    def __post_init__(self) -> None:
        at_least("dataset.noise", self.noise, 0)


@dataclass
class CheckerboardConfig(NoisyConfig):
    name: str = "checkerboard"


@dataclass
class SwissRollConfig(NoisyConfig):
    name: str = "swiss_roll"


@dataclass
class MoonsConfig(NoisyConfig):
    name: str = "moons"


@dataclass
class RingsConfig(NoisyConfig):
    name: str = "rings"
    radii: list[float] = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        not_empty("dataset.radii", self.radii)
        for radius in self.radii:
            positive("each of dataset.radii", radius)


@dataclass
class PinwheelConfig(DatasetConfig):
    name: str = "pinwheel"
    arms: int = MISSING
    radial_std: float = MISSING
    tangential_std: float = MISSING
    twist: float = MISSING

    def __post_init__(self) -> None:
        at_least("dataset.arms", self.arms, 1)
        positive("dataset.radial_std", self.radial_std)
        positive("dataset.tangential_std", self.tangential_std)
        finite("dataset.twist", self.twist)


@dataclass
class GaussianMixtureConfig(DatasetConfig):
    name: str = "gaussian_mixture"
    modes: int = MISSING
    dimension: int = MISSING
    radius: float = MISSING
    std: float = MISSING
    weights: list[float] | None = None
    means: Any = None  # [modes][dimension]; checked below, since whole numbers are welcome too

    def __post_init__(self) -> None:
        at_least("dataset.modes", self.modes, 1)
        at_least("dataset.dimension", self.dimension, 1)
        at_least("dataset.radius", self.radius, 0)
        positive("dataset.std", self.std)
        if self.weights is not None:
            if len(self.weights) != self.modes:
                raise UserError(
                    f"dataset.weights must have one entry per mode ({self.modes}), got {len(self.weights)}."
                )
            for weight in self.weights:
                positive("each of dataset.weights", weight)
        if self.means is not None and not self._means_fit():
            raise UserError(
                f"dataset.means must be {self.modes} lists of {self.dimension} numbers (dataset.modes, "
                f"dataset.dimension), got {self.means}."
            )

    def _means_fit(self) -> bool:
        rows = self.means
        return (
            isinstance(rows, list)
            and len(rows) == self.modes
            and all(isinstance(row, list) and len(row) == self.dimension for row in rows)
            and all(isinstance(value, int | float) and math.isfinite(value) for row in rows for value in row)
        )


@dataclass
class ImagesConfig(DatasetConfig):
    """Real images that ship with an installed package; `labels=true` trains a class-conditional generator."""

    labels: bool = MISSING


@dataclass
class DigitsConfig(ImagesConfig):
    name: str = "digits"


@dataclass
class Mnist5kConfig(ImagesConfig):
    name: str = "mnist5k"


@dataclass
class ArrayConfig(DatasetConfig):
    """The user's own points, one per row."""

    name: str = "array"
    path: str = MISSING
    columns: list[str] | None = field(default=None)

    def __post_init__(self) -> None:
        self.path = str(Path(self.path).expanduser().absolute())  # so that the run can be resumed from anywhere


DATASETS: dict[str, type[DatasetConfig]] = {
    "checkerboard": CheckerboardConfig,
    "swiss_roll": SwissRollConfig,
    "gaussian_mixture": GaussianMixtureConfig,
    "moons": MoonsConfig,
    "rings": RingsConfig,
    "pinwheel": PinwheelConfig,
    "digits": DigitsConfig,
    "mnist5k": Mnist5kConfig,
    "array": ArrayConfig,
}
