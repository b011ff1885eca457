"""Settings of `drift high-dimension`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

from drift_cli.config.checked import (
    Checked,
    Different,
    Jobs,
    Maybe,
    Positive,
    Resume,
    Seed,
    Seeds,
    Steps,
    choice,
    obeys,
    within,
)
from drift_cli.config.objects import Settings
from drift_cli.errors import UserError
from drift_cli.rules import between, different, one_of, positive, positive_fraction
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.setting import before
from drift_cli.studies.high_dimension.methods import METHODS, OF_KERNELS

_OF_METHODS = partial(one_of, choices=tuple(METHODS))
_SUBSPACE = 4
SelfTerm = Annotated[str, choice(("include", "exclude"))]
SPACES, CLASSES = ("pixels", "codes"), ("labelled", "unlabelled")


@dataclass(kw_only=True)
class NetworkConfig(Checked):
    """Of the network, in the place of particles. No methods: the part is left out.

    `short`, `long`: training steps. `samples`: on which the outcomes are judged.
    """

    prefix: ClassVar = "network."
    methods: Annotated[list[str], Maybe("", (_OF_METHODS,))]
    dimension: Annotated[int, within(2, 1024)]
    starts: Annotated[list[str], Different("", (partial(one_of, choices=("collapsed", "spread")),))]
    factors: Annotated[list[float], Different("", (positive, partial(between, low=1e-3, high=1e3)))]
    seeds: Seeds
    batch_size: Annotated[int, within(8, 65_536)]
    short: Steps
    long: Steps
    samples: Annotated[int, within(8, 65_536)]
    self_term: SelfTerm = before(default="include")

    def check_together(self) -> None:
        different("network.methods", self.methods)


@dataclass(kw_only=True)
class ImagesConfig(Checked):
    """Of real images. No methods: the part is left out. Codes are of an autoencoder that is learned first."""

    prefix: ClassVar = "images."
    methods: Annotated[list[str], Maybe("", (partial(one_of, choices=OF_KERNELS),))] = field(default_factory=list)
    dataset: Annotated[str, choice(("mnist5k", "digits"))] = "mnist5k"
    spaces: Annotated[list[str], Different("", (partial(one_of, choices=SPACES),))] = field(
        default_factory=lambda: list(SPACES)
    )
    classes: Annotated[list[str], Different("", (partial(one_of, choices=CLASSES),))] = field(
        default_factory=lambda: list(CLASSES)
    )
    factors: Annotated[list[float], Different("", (positive, partial(between, low=1e-3, high=1e3)))] = before(
        default_factory=lambda: [0.4, 0.63, 1.0]
    )
    seeds: Seeds = before(default_factory=lambda: [0, 1, 2])
    batch_size: Annotated[int, within(20, 65_536)] = 512
    steps: Steps = 1000
    samples: Annotated[int, within(100, 65_536)] = 1000
    self_term: SelfTerm = before(default="include")

    def check_together(self) -> None:
        different("images.methods", self.methods)


@dataclass(kw_only=True)
class CollapseConfig(Checked):
    """Of the forms of the drift that are trained from narrow starts. No dimensions: the part is left out."""

    prefix: ClassVar = "collapse."
    dimensions: Annotated[list[int], Maybe("", (partial(between, low=2, high=1024),))] = before(default_factory=list)
    spreads: Annotated[list[float], Different("", (positive, partial(between, low=1e-6, high=1e3)))] = field(
        default_factory=lambda: [0.01, 0.05, 0.2, 1.0]
    )
    seeds: Seeds = before(default_factory=lambda: [0, 1, 2])
    steps: Steps = 300

    def check_together(self) -> None:
        self.spreads = sorted(self.spreads)
        different("collapse.dimensions", self.dimensions)


@dataclass(kw_only=True)
class HighDimensionConfig(Checked):
    changeable: ClassVar = ("jobs", "executor")  # with resume=

    methods: Annotated[list[str], Different("", (_OF_METHODS,))]
    dimensions: Annotated[list[int], Different("", (partial(between, low=2, high=1024),))]
    subspace: Annotated[list[int], Maybe("", (partial(between, low=_SUBSPACE + 1, high=1024),))]
    high: Annotated[int, within(2, 1024)]
    modes: Annotated[int, within(2, 1000)]
    std: Positive
    factors: Annotated[list[float], Different("", (positive, partial(between, low=1e-3, high=1e3)))]
    tuning_seed: Seed
    seeds: Seeds
    whole: Annotated[list[str], Maybe("", (_OF_METHODS,))]
    good: Annotated[float, within(0, 1)]
    reach: Annotated[float, within(1, 1000)]
    sweep: Annotated[float, obeys(positive_fraction)]
    self_term: SelfTerm
    particles: Annotated[int, within(8, 65_536)]
    particle_steps: Steps
    self_dimensions: Annotated[list[int], Maybe("", (partial(between, low=2, high=1024),))]
    network: NetworkConfig
    generator: Settings
    optimizer: Settings
    images: ImagesConfig = field(default_factory=ImagesConfig)
    collapse: CollapseConfig = field(default_factory=CollapseConfig)
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None

    def check_together(self) -> None:
        self.factors = sorted(self.factors)
        different("subspace", self.subspace)
        if len(self.methods) < 2:
            raise UserError(f"methods must name at least two, to be compared, got {self.methods}: add some.")
        different("self_dimensions", self.self_dimensions)
        if self.generator.name != "mlp":
            raise UserError(f"generator must be mlp, because a start sets its last layer, got {self.generator.name}.")
        if self.tuning_seed in (*self.seeds, *self.network.seeds, *self.images.seeds):
            raise UserError(
                "tuning_seed must not be one of seeds, network.seeds and images.seeds, on which its choices are "
                f"evaluated, got {self.tuning_seed}: choose another."
            )
