"""A network that is trained from samples of a given spread, around the target's mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from drift_cli.data.gaussian_mixture import GaussianMixture
from drift_cli.generator import Mlp
from drift_cli.studies import training
from drift_cli.training.settings import TrainConfig
from drift_cli.training.setup import Setup, assemble

_POINTS = 4096  # by which the start is brought to its spread


@dataclass(frozen=True)
class End:
    """Samples of the trained network and as many of the target, in float64; `seconds` of a core that it took."""

    x: Tensor
    reference: Tensor
    mixture: GaussianMixture
    seconds: float


@dataclass(frozen=True)
class FromSpread:
    """A run from samples of this spread, over the target's; judged on as many samples as `samples` says."""

    settings: TrainConfig
    spread: float
    samples: int

    def asked(self) -> dict[str, Any]:
        return {"train": training.plain(self.settings), "spread": self.spread, "samples": self.samples}

    def end(self) -> End:
        setup = assemble(self.settings)
        stretch(setup, self.spread)
        seconds = training.train(setup)
        mixture: GaussianMixture = self.settings.dataset.made()
        with torch.no_grad():
            x = setup.model.sample(self.samples, setup.stream("sample", 0)).double()
        return End(x, mixture.draw(self.samples, setup.stream("final", 0), torch.float64), mixture, seconds)


@torch.no_grad()
def stretch(setup: Setup, spread: float) -> None:
    """Stretch the last layer: the samples' mean is the target's, and their deviation `spread` times the target's."""
    assert isinstance(setup.model, Mlp)
    last = setup.model.layers[-1]
    assert isinstance(last, torch.nn.Linear)
    x = setup.model.sample(_POINTS, setup.stream("initial", 1))
    target = setup.data(_POINTS, "initial", 2).points
    deviations = [(each - each.mean(dim=0)).square().sum(dim=1).mean().sqrt() for each in (target, x)]
    factor = spread * deviations[0] / deviations[1]
    last.weight.mul_(factor)
    last.bias.copy_(target.mean(dim=0) + factor * (last.bias - x.mean(dim=0)))
