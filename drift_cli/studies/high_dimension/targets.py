"""The mixtures: on a circle in the plane, drawn from the sphere elsewhere, of the space or of a small subspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drift_cli.config.objects import Settings, chosen
from drift_cli.data import target_of
from drift_cli.studies.high_dimension.methods import METHODS
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.training.bandwidth import found_on


@dataclass(frozen=True)
class Place:
    """Where the modes are. Its `name` appears in the summary."""

    dimension: int
    placement: str

    @property
    def name(self) -> str:
        return f"{self.placement}_{self.dimension}"

    @classmethod
    def everywhere(cls, dimension: int) -> Place:
        """Modes that are spread over the whole space."""
        return cls(dimension, "circle" if dimension == 2 else "random")

    def dataset(self, config: HighDimensionConfig, seed: int) -> Settings:
        """The mixture of this seed: random means are others for each."""
        shape = {"modes": config.modes, "dimension": self.dimension, "radius": 1.0, "std": config.std}
        return chosen("dataset", "gaussian_mixture", **shape, placement=self.placement, arrangement=seed)


def places(config: HighDimensionConfig) -> list[Place]:
    dimensions = sorted(config.dimensions)
    return [*map(Place.everywhere, dimensions), *(Place(each, "subspace") for each in sorted(config.subspace))]


def automatic(config: HighDimensionConfig, place: Place, methods: Iterable[str]) -> dict[str, float]:
    """The automatic bandwidth of each of their kernels, on the data of the seed that bandwidths are chosen on."""
    target = target_of(place.dataset(config, config.tuning_seed).made())
    kernels = sorted({METHODS[method].kernel for method in methods})
    return {kernel: found_on(target, chosen("kernel", kernel, bandwidth="auto"))[0].bandwidth for kernel in kernels}
