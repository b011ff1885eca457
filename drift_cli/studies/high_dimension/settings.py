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
from drift_cli.rules import between, one_of, positive, positive_fraction, written
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.setting import before
from drift_cli.studies.high_dimension.methods import METHODS, OF_KERNELS
from drift_cli.studies.settings import Factors, any_of, any_that, apart, some_of

_SUBSPACE = 4
_DIMENSION = partial(between, low=2, high=1024)
SelfTerm = Annotated[str, choice(("include", "exclude"))]
SPACES, CLASSES = ("pixels", "codes"), ("labelled", "unlabelled")


@dataclass(kw_only=True)
class NetworkConfig(Checked):
    """Of the network, in the place of particles. No methods: the part is left out.

    `short`, `long`: training steps. `samples`: on which the outcomes are judged.
    """

    prefix: ClassVar = "network."
    methods: Annotated[list[str], any_of(METHODS)]
    dimension: Annotated[int, within(2, 1024)]
    starts: Annotated[list[str], some_of(("collapsed", "spread"))]
    factors: Factors
    seeds: Seeds
    batch_size: Annotated[int, within(8, 65_536)]
    short: Steps
    long: Steps
    samples: Annotated[int, within(8, 65_536)]
    self_term: SelfTerm = before(default="include")


@dataclass(kw_only=True)
class ImagesConfig(Checked):
    """Of real images. No methods: the part is left out. Codes are of an autoencoder that is learned first."""

    prefix: ClassVar = "images."
    methods: Annotated[list[str], any_of(OF_KERNELS)] = field(default_factory=list)
    dataset: Annotated[str, choice(("mnist5k", "digits"))] = "mnist5k"
    spaces: Annotated[list[str], some_of(SPACES)] = field(default_factory=lambda: list(SPACES))
    classes: Annotated[list[str], some_of(CLASSES)] = field(default_factory=lambda: list(CLASSES))
    factors: Factors = before(default_factory=lambda: [0.4, 0.63, 1.0])
    seeds: Seeds = before(default_factory=lambda: [0, 1, 2])
    batch_size: Annotated[int, within(20, 65_536)] = 512
    steps: Steps = 1000
    samples: Annotated[int, within(100, 65_536)] = 1000
    self_term: SelfTerm = before(default="include")


@dataclass(kw_only=True)
class CollapseConfig(Checked):
    """Of the forms of the drift that are trained from narrow starts. No dimensions: the part is left out."""

    prefix: ClassVar = "collapse."
    dimensions: Annotated[list[int], any_that(_DIMENSION)] = before(default_factory=list)
    spreads: Annotated[list[float], Different("", (positive, partial(between, low=1e-6, high=1e3)))] = field(
        default_factory=lambda: [0.01, 0.05, 0.2, 1.0]
    )
    seeds: Seeds = before(default_factory=lambda: [0, 1, 2])
    steps: Steps = 300

    def check_together(self) -> None:
        self.spreads = sorted(self.spreads)


@dataclass(kw_only=True)
class HighDimensionConfig(Checked):
    changeable: ClassVar = ("jobs", "executor")  # with resume=

    methods: Annotated[list[str], some_of(METHODS)]
    dimensions: Annotated[list[int], Different("", (_DIMENSION,))]
    subspace: Annotated[list[int], any_that(partial(between, low=_SUBSPACE + 1, high=1024))]
    high: Annotated[int, within(2, 1024)]
    modes: Annotated[int, within(2, 1000)]
    std: Positive
    factors: Factors
    tuning_seed: Seed
    seeds: Seeds
    whole: Annotated[list[str], Maybe("", (partial(one_of, choices=tuple(METHODS)),))]
    good: Annotated[float, within(0, 1)]
    reach: Annotated[float, within(1, 1000)]
    sweep: Annotated[float, obeys(positive_fraction)]
    self_term: SelfTerm
    particles: Annotated[int, within(8, 65_536)]
    particle_steps: Steps
    self_dimensions: Annotated[list[int], any_that(_DIMENSION)]
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
        if len(self.methods) < 2:
            raise UserError(f"methods must name at least two, to be compared, got {written(self.methods)}: add some.")
        if self.generator.name != "mlp":
            raise UserError(
                f"generator must be mlp, because a start sets its last layer, got {self.generator.name}: leave it out."
            )
        judged = {"seeds": self.seeds, "network.seeds": self.network.seeds, "images.seeds": self.images.seeds}
        apart("tuning_seed", self.tuning_seed, judged)
