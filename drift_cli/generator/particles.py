r"""Particles: the samples are the parameters, with no network in between.

Each particle is its own parameter, so the loss is $\tfrac12\sum_i |x_i - \mathrm{sg}(x_i + V_i)|^2$ rather than the
mean: its gradient is $-V_i$, and one step of plain SGD with learning rate $h$ is the explicit Euler step
$x_i \leftarrow x_i + h V_i$ of the drift flow.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Self

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from drift_cli.data.noise import normal
from drift_cli.data.space import Space
from drift_cli.data.target import Target
from drift_cli.errors import UserError
from drift_cli.generator.base import SampleGenerator, check_labels
from drift_cli.rules import check_samples, one_of
from drift_cli.setting import Setting

INITS = ("gaussian", "middle", "far", "collapsed")

_TIGHT = 0.05  # spread of a cloud that starts in one place, in units of the target's size
_FAR = 4.0  # distance from the target's mean of the far start, in the same units


class Particles(SampleGenerator):
    """`init` is where `initialise` puts them, see `starting_positions`."""

    def __init__(self, positions: Float[Tensor, "n d"], init: str = "gaussian") -> None:
        super().__init__()
        self.positions, self.init = nn.Parameter(positions), init

    @classmethod
    def from_settings(
        cls,
        space: Space,
        /,
        count: Annotated[int, Setting("number of particles", (check_samples,))],
        init: Annotated[str, Setting("initial positions", (partial(one_of, choices=INITS),))],
    ) -> Self:
        return cls(torch.zeros(count, space.dimension), init)

    @property
    def count(self) -> int:
        return len(self.positions)

    def initialise(self, target: Target, seed: Generator) -> None:
        if target.space.class_frequencies:
            raise UserError(
                "generator=particles has no classes, but dataset.labels=true asks for a class-conditional generator: "
                "use generator=mlp or dataset.labels=false."
            )
        start = starting_positions(self.init, len(self.positions), target, seed, torch.float64)
        self.positions = nn.Parameter(start)

    def sample(self, n: int, generator: Generator, labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        """All the particles in their order for n equal to their number; else a random choice.

        Fewer are drawn without, more with replacement.
        """
        check_labels(labels, 0)
        count, device = len(self.positions), generator.device
        if n == count:
            return self.positions
        if n < count:
            return self.positions[torch.randperm(count, generator=generator, device=device)[:n]]
        return self.positions[torch.randint(count, (n,), generator=generator, device=device)]

    def loss_scale(self, n: int) -> float:
        return n / 2


def starting_positions(
    init: str, count: int, target: Target, generator: Generator, dtype: torch.dtype
) -> Float[Tensor, "n d"]:
    """Where the particles start, by the target's mean and spread (its root mean square distance from the mean).

    gaussian: an isotropic cloud of the target's mean and spread. middle: a tight cloud at the mean. far: a tight
    cloud four spreads away along the first axis. collapsed: a tight cloud at one point of the data.
    """
    points = target.sample(4096, generator, dtype).points
    mean = points.mean(dim=0)
    spread = (points - mean).square().sum(dim=1).mean().sqrt()
    cloud = normal(count, points.shape[1], generator=generator, dtype=dtype)
    match init:
        case "gaussian":
            return mean + spread / float(points.shape[1] ** 0.5) * cloud
        case "middle":
            return mean + _TIGHT * spread * cloud
        case "far":
            away = torch.zeros_like(mean)
            away[0] = _FAR * spread
            return mean + away + _TIGHT * spread * cloud
        case "collapsed":
            return points[0] + _TIGHT * spread * cloud
    raise ValueError(f"unknown start {init!r}")
