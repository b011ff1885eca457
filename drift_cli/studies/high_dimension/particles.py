"""Particles that every method moves from the same start over the same data, each at several bandwidths."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from drift_cli.data import target_of
from drift_cli.drift import Drift
from drift_cli.generator.particles import starting_positions
from drift_cli.kernels import Kernel
from drift_cli.schedules import Schedule
from drift_cli.studies.high_dimension.judging import floors, judged
from drift_cli.studies.high_dimension.methods import METHODS, AtBandwidth
from drift_cli.studies.high_dimension.settings import HighDimensionConfig
from drift_cli.studies.high_dimension.targets import Place
from drift_cli.studies.training import plain
from drift_cli.training.streams import stream


@dataclass(frozen=True)
class ParticleRun:
    """What one run differs in; `stage` is choosing or judging."""

    stage: str
    place: Place
    seed: int

    @property
    def name(self) -> str:
        return f"particles_{self.place.name}_{self.stage}_{self.seed}"


@dataclass(frozen=True)
class Flow:
    """All methods in one place. `tried`: the factors of each; `units`: the automatic bandwidth of each kernel."""

    config: HighDimensionConfig
    place: Place
    seed: int
    tried: Mapping[str, list[float]]
    units: Mapping[str, float]

    def asked(self) -> dict[str, Any]:
        return {
            "dataset": plain(self._dataset),
            "particles": self.config.particles,
            "steps": self.config.particle_steps,
            "seed": self.seed,
            "methods": {
                method: {f"{factor:g}": _plain(self._at(method, factor)) for factor in factors}
                for method, factors in self.tried.items()
            },
        }

    def made(self, unfinished: object) -> dict[str, Any]:
        """What each method came to at each factor, as lists of outcomes; and what the target itself comes to."""
        torch.set_num_threads(1)
        mixture, n = self._dataset.made(), self.config.particles
        target = target_of(mixture)
        start = starting_positions("gaussian", n, target, stream(self.seed, "initial"), torch.float64).float()
        moved = {
            (method, factor): _Moved.at(self._at(method, factor), start)
            for method, factors in self.tried.items()
            for factor in factors
        }
        for step in range(self.config.particle_steps):
            data = target.sample(n, stream(self.seed, "data", step), torch.float32).points
            for each in moved.values():
                each.advance(step, data)
        reference = target.sample(n, stream(self.seed, "final"), torch.float64).points
        found: dict[str, list[dict[str, Any]]] = {method: [] for method in self.tried}
        for (method, factor), each in moved.items():
            outcome = judged(each.x.double(), mixture, reference)
            found[method].append({"factor": factor, **outcome, "seconds": each.seconds})
        return {"outcomes": found, "floors": floors(mixture, n, self.seed)}

    @property
    def _dataset(self) -> Any:
        return self.place.dataset(self.config, self.seed)

    def _at(self, method: str, factor: float) -> AtBandwidth:
        kind = METHODS[method]
        return kind.at(factor * self.units[kind.kernel], self.config, self.config.particle_steps)


def _plain(method: AtBandwidth) -> dict[str, Any]:
    return {"kernel": plain(method.kernel), "drift": plain(method.drift), "schedule": plain(method.schedule)}


@dataclass
class _Moved:
    """Particles x of one method at one bandwidth; `seconds` of a core that its drift took."""

    x: Tensor
    drift: Drift
    kernel: Kernel
    schedule: Schedule
    step: float
    seconds: float = field(default=0.0, init=False)

    @classmethod
    def at(cls, method: AtBandwidth, start: Tensor) -> _Moved:
        return cls(start, method.drift.made(), method.kernel.made(), method.schedule.made(), method.step)

    def advance(self, step: int, data: Tensor) -> None:
        """The explicit Euler step x ← x + step·V of the drift flow."""
        began = time.process_time()
        kernel = self.kernel.scaled(self.schedule(step))
        self.x = self.x + self.step * self.drift(kernel, self.x, data, self.x, paired=True)
        self.seconds += time.process_time() - began
