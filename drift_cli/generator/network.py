r"""A network $x = f_\theta(\varepsilon)$ from noise $\varepsilon \sim N(0, I)$, and from a class if there is one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from drift_cli.data.noise import normal
from drift_cli.data.target import Target
from drift_cli.generator.base import SampleGenerator
from drift_cli.memory import in_blocks

MOST_WEIGHTS = 10**9  # of a network that a machine here holds


class Network(SampleGenerator):
    """`noise`: its dimension; `classes`: how many, 0 for none. `guided`: the first coordinate of the noise is
    log(α/α₀), α the strength of guidance of the sample and α₀ the least that is trained."""

    at_once: ClassVar[int] = 512  # samples that pass a CPU's caches together where nothing is kept for a gradient

    def __init__(self, noise: int, classes: int, *, guided: bool = False) -> None:
        super().__init__()
        self.noise, self.classes, self.guided = noise, classes, guided

    @abstractmethod
    def forward(self, noise: Float[Tensor, "n z"], labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        """The samples that these noises become, of these classes."""

    def initialise(self, target: Target, seed: Generator) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed.initial_seed())
            for layer in self.modules():
                if layer is not self and callable(reset := getattr(layer, "reset_parameters", None)):
                    reset()

    def sample(self, n: int, generator: Generator, labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, "n d"]:
        noise = self.draw(n, generator)
        if torch.is_grad_enabled():
            points: Tensor = self(noise, labels)
            return points
        return in_blocks(self, self.at_once if noise.device.type == "cpu" else n, noise, labels)

    def draw(self, n: int, generator: Generator) -> Float[Tensor, "n z"]:
        """The noise that n samples are made from, at the least guidance."""
        noise = normal(n, self.noise, generator=generator, dtype=next(self.parameters()).dtype)
        if self.guided:
            noise[:, 0] = 0
        return noise

    def at_strength(self, noise: Float[Tensor, "n z"], ratio: Float[Tensor, "#n"]) -> Float[Tensor, "n z"]:
        """The same noise at guidance α = `ratio` · α₀ of each sample, for a network that is given it."""
        return torch.cat([ratio.to(noise).log().expand(len(noise))[:, None], noise[:, 1:]], dim=1)

    def loss_scale(self, n: int) -> float:
        return 1.0
