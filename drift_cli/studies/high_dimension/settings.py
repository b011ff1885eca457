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
from drift_cli.errors import UserError
from drift_cli.rules import between, different, one_of, positive, positive_fraction
from drift_cli.runs.executor import ExecutorConfig
from drift_cli.studies.high_dimension.methods import METHODS

_OF_METHODS = partial(one_of, choices=tuple(METHODS))
_SUBSPACE = 4


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
    self_term: Annotated[str, choice(("include", "exclude"))]
    particles: Annotated[int, within(8, 65_536)]
    particle_steps: Steps
    jobs: Jobs = None
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    resume: Resume = None

    def check_together(self) -> None:
        self.factors = sorted(self.factors)
        different("subspace", self.subspace)
        if len(self.methods) < 2:
            raise UserError(f"methods must name at least two, to be compared, got {self.methods}: add some.")
        if self.tuning_seed in self.seeds:
            raise UserError(
                f"tuning_seed must not be one of seeds, on which the chosen bandwidths are judged, got "
                f"{self.tuning_seed}: choose another."
            )
